# Completions of pb2session for bash, made by make.py.
_pb2session()
{
    local cur=${COMP_WORDS[COMP_CWORD]} option=${COMP_WORDS[COMP_CWORD - 1]} words=
    if [[ $cur == "=" ]]; then
        cur=
    elif [[ $option == "=" ]]; then
        option=${COMP_WORDS[COMP_CWORD - 2]}
    fi
    COMPREPLY=()
    case $option in
    --framing) words="delimited list be32 raw" ;;
    --on-error) words="stop skip" ;;
    --unknown) words="keep drop reject" ;;
    --output|--rejects|--credentials|--tls-ca|--tls-cert|--tls-key|-o) mapfile -t COMPREPLY < <(compgen -f -- "$cur") && return ;;
    --id|--skip|--limit|--connect|--listen|--zstd|--frame-size|--idle-exit|--message-max|--max-connections|--idle-timeout|--frame-timeout|--allow-uid|--allow-gid|--set|-X) return ;;
    esac
    if [[ -z $words && $cur == -* ]]; then
        words="--output= --framing= --pretty --array --id= --list --check --salvage --on-error= --rejects= --skip= --limit= --unknown= --lenient --stats --quiet --force --connect= --listen= --zstd --frame-size= --help --help-network --version --fsync --idle-exit= --message-max= --max-connections= --idle-timeout= --frame-timeout= --allow-uid= --allow-gid= --insecure-remote --credentials= --set= --tls-ca= --tls-cert= --tls-key="
    fi
    if [[ -z $words ]]; then
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
    else
        mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
        [[ ${COMPREPLY[0]-} != *= ]] || compopt -o nospace
    fi
}
complete -o filenames -F _pb2session pb2session
