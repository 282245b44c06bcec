/* Prints a corpus. See corpus.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "corpus.h"

int main(int argc, char **argv)
{
    const bool shuffled = argc == 4 && strcmp(argv[3], "--shuffled") == 0;

    if (argc != 3 && !shuffled) {
        fputs("usage: bench-corpus SEED COUNT [--shuffled] >FILE.ndjson\n", stderr);
        return 2;
    }
    struct corpus corpus =
        corpus_make(strtoull(argv[1], NULL, 10), (size_t)strtoull(argv[2], NULL, 10), shuffled);
    const size_t len = corpus.at[corpus.count];
    const bool written = fwrite(corpus.text, 1, len, stdout) == len && fflush(stdout) == 0;

    corpus_release(&corpus);
    if (!written)
        perror("bench-corpus");
    return written ? 0 : 3;
}
