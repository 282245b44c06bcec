/*
 * replay FILE|FOLDER...: passes each file, and each file of a folder, to the target that it is linked
 * with. So a corpus is a test that every compiler can build. Fails where there is none.
 */
#define _POSIX_C_SOURCE 200809L

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "fuzz.h"

static bool replay_file(const char *path)
{
    struct spb_bytes content = { 0 };
    FILE *const file = fopen(path, "rb");
    int c;

    if (file == NULL) {
        perror(path);
        return false;
    }
    while ((c = getc(file)) != EOF) {
        const uint8_t byte = (uint8_t)c;
        fuzz_append(&content, &byte, 1);
    }
    fclose(file);
    fprintf(stderr, "%s\n", path); /* the last one is what a broken promise is about */
    uint8_t *const exact = fuzz_copy(content.data, content.len, false);
    LLVMFuzzerTestOneInput(exact, content.len);
    free(exact);
    spb_bytes_release(&content);
    return true;
}

/* Returns how many files it has passed on, or -1. */
static int replay_folder(const char *path, DIR *folder)
{
    char file[PATH_MAX];
    const struct dirent *entry;
    int count = 0;

    while (count >= 0 && (entry = readdir(folder)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(file, sizeof file, "%s/%s", path, entry->d_name);
        count = replay_file(file) ? count + 1 : -1;
    }
    return count;
}

static int replay(const char *path)
{
    DIR *const folder = opendir(path);

    if (folder == NULL)
        return errno == ENOTDIR && replay_file(path) ? 1 : -1;
    const int count = replay_folder(path, folder);
    closedir(folder);
    return count;
}

int main(int argc, char **argv)
{
    int total = 0;

    for (int i = 1; i < argc; i++) {
        const int count = replay(argv[i]);
        if (count < 0)
            return EXIT_FAILURE;
        total += count;
    }
    fprintf(stderr, "%d inputs\n", total);
    return total > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
