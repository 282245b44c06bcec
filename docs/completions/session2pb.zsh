#compdef session2pb
# Completions of session2pb for zsh, made by make.py.
_arguments -s \
    '(-o --output)'{-o+,--output=}'[write FILE, whole or not at all]:file:_files' \
    '--framing=[how messages stand in the stream]:framing:(delimited list be32 raw)' \
    '--zstd=-[write an archive, compressed by zstd]::level: ' \
    '--frame-size=[of an archive'\''s frames (default\: 1 MiB)]:bytes: ' \
    '--check[judge everything, but write nothing]' \
    '--on-error=[what a bad record does (default\: stop)]:on-error:(stop skip)' \
    '--rejects=[skip bad records and keep them in FILE, with the reasons in FILE.report]:file:_files' \
    '--skip=[pass over the first N records]:n: ' \
    '--limit=[end after N records]:n: ' \
    '--unknown=[what the schema lacks (default\: keep)]:unknown:(keep drop reject)' \
    '--lenient[take sessions without required members, and keep values of a wrong type as they are]' \
    '--stats[tell counts, sizes and speed at the end]' \
    '(-q --quiet)'{-q,--quiet}'[no progress, no lines on skipped records]' \
    '--force[overwrite FILE, write binary to a terminal]' \
    '--connect=[send to unix\:PATH, tcp\:HOST\:PORT, fd\:N, nats\://HOST\[\:PORT\]/SUBJECT or kafka\://HOST\[\:PORT\]/TOPIC]:endpoint: ' \
    '(-h --help)'{-h,--help}'[print this text]' \
    '--help-network[print the options of sockets and brokers]' \
    '(-V --version)'{-V,--version}'[print the version]' \
    '--receipt-every=[ask for a receipt behind every N sessions]:n: ' \
    '--no-receipt[the receiver knows nothing of receipts]' \
    '--retry=-[connect again for so long (default\: 60), and send again what is not confirmed]::seconds: ' \
    '--timeout=[wait so long for the receiver (default\: 300)]:seconds: ' \
    '--window=[sessions that a broker may have without having acknowledged them (default\: 4096)]:n: ' \
    '--credentials=[of a NATS user\: JWT and seed]:file:_files' \
    '--schema-id=[put Confluent'\''s wire format in front of each message, with this schema]:n: ' \
    '(-X --set)'{-X+,--set=}'[a setting of librdkafka; repeatable]:key=value: ' \
    '--tls-ca=[PEM\: who vouches for the other end]:file:_files' \
    '--tls-cert=[PEM\: the certificate of this end, and those between it and its authority]:file:_files' \
    '--tls-key=[PEM\: its private key]:file:_files' \
    '*:file:_files'
