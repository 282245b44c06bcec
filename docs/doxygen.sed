# Comments in front of what they speak of, or behind it, as Doxygen wants them marked.
1s,^,/** @file */ ,
s,^\( *\)/\*$,\1/**,
s,^\( *\)/\* \(.*[^-]\)$,\1/** \2,
s,^\( *[^ /*].*[;\,]\) */\* ,\1 /**< ,
