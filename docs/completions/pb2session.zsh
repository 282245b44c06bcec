#compdef pb2session
# Completions of pb2session for zsh, made by make.py.
_arguments -s \
    '(-o --output)'{-o+,--output=}'[write FILE, whole or not at all]:file:_files' \
    '--framing=[how messages stand in the stream]:framing:(delimited list be32 raw)' \
    '--pretty[indent by two spaces]' \
    '--array[print one array of all sessions]' \
    '--id=[only the session of this id; repeatable]:id: ' \
    '--list[print a table of an archive'\''s frames]' \
    '--check[judge everything, but write nothing]' \
    '--salvage[convert what is whole of a damaged input, and tell what is lost]' \
    '--on-error=[what a bad record does (default\: stop)]:on-error:(stop skip)' \
    '--rejects=[skip bad records and keep them in FILE, with the reasons in FILE.report]:file:_files' \
    '--skip=[pass over the first N records]:n: ' \
    '--limit=[end after N records]:n: ' \
    '--unknown=[what the schema lacks (default\: keep)]:unknown:(keep drop reject)' \
    '--lenient[take sessions without required members, and keep values of a wrong type as they are]' \
    '--stats[tell counts, sizes and speed at the end]' \
    '(-q --quiet)'{-q,--quiet}'[no progress, no lines on skipped records]' \
    '--force[overwrite FILE, write binary to a terminal]' \
    '--connect=[fetch from nats\://HOST\[\:PORT\]/SUBJECT, kafka\://HOST\[\:PORT\]/TOPIC, unix\:PATH, tcp\:HOST\:PORT or fd\:N]:endpoint: ' \
    '--listen=[receive at unix\:PATH, tcp\:HOST\:PORT, fd\:N or systemd\:; repeatable]:endpoint: ' \
    '--zstd=-[write an archive, compressed by zstd]::level: ' \
    '--frame-size=[of an archive'\''s frames (default\: 1 MiB)]:bytes: ' \
    '(-h --help)'{-h,--help}'[print this text]' \
    '--help-network[print the options of sockets and brokers]' \
    '(-V --version)'{-V,--version}'[print the version]' \
    '--fsync[confirm only what is safe on disk]' \
    '--idle-exit=[end when nothing has come for so long]:seconds: ' \
    '--message-max=[of one session (default\: 4 MiB)]:bytes: ' \
    '--max-connections=[further senders wait (default\: 1024)]:n: ' \
    '--idle-timeout=[for a silent sender (default\: 600)]:seconds: ' \
    '--frame-timeout=[for the rest of a message (default\: 60)]:seconds: ' \
    '--allow-uid=[who may send over a Unix socket, besides this user; repeatable]:uid: ' \
    '--allow-gid=[likewise, by group]:gid: ' \
    '--insecure-remote[let tcp\: be reached from other machines, without encryption or authentication]' \
    '--credentials=[of a NATS user\: JWT and seed]:file:_files' \
    '(-X --set)'{-X+,--set=}'[a setting of librdkafka; repeatable]:key=value: ' \
    '--tls-ca=[PEM\: who vouches for the other end]:file:_files' \
    '--tls-cert=[PEM\: the certificate of this end, and those between it and its authority]:file:_files' \
    '--tls-key=[PEM\: its private key]:file:_files' \
    '*:file:_files'
