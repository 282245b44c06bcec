# Completions of session2pb for bash, made by make.py.
_session2pb()
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
    --zstd|--frame-size|--skip|--limit|--connect|--receipt-every|--retry|--timeout|--window|--schema-id|--set|-X) return ;;
    esac
    if [[ -z $words && $cur == -* ]]; then
        words="--output= --framing= --zstd --frame-size= --check --on-error= --rejects= --skip= --limit= --unknown= --lenient --stats --quiet --force --connect= --help --help-network --version --receipt-every= --no-receipt --retry --timeout= --window= --credentials= --schema-id= --set= --tls-ca= --tls-cert= --tls-key="
    fi
    if [[ -z $words ]]; then
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
    else
        mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
        [[ ${COMPREPLY[0]-} != *= ]] || compopt -o nospace
    fi
}
complete -o filenames -F _session2pb session2pb
