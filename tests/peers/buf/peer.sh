#!/bin/sh
# Sessions from one form into another, by `buf convert`: peer.sh DESC FROM TO
# See ../CMakeLists.txt for the forms; it has no delimited one. With --version instead it says what
# it is.
set -eu

buf="$(dirname "$0")/node_modules/.bin/buf"
type=journey.v1.SessionListing

# format FORM: what buf calls it.
format()
{
    case $1 in
    list) echo binpb ;;
    json) echo json ;;
    *) echo "peer.sh: buf has no form '$1'" >&2 && exit 1 ;;
    esac
}

if [ "$1" = --version ]; then
    echo "buf convert $("$buf" --version)"
    exit
fi
from=$(format "$2")
to=$(format "$3")
exec "$buf" convert "$1#format=binpb" --type "$type" --from "-#format=$from" --to "-#format=$to"
