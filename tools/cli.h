#ifndef SESSIONPB_TOOLS_CLI_H
#define SESSIONPB_TOOLS_CLI_H

/*
 * What both tools share at the command line: the options, which are parsed from the same table that
 * the help text is printed from, the messages and the exit statuses.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sessionpb/convert.h>
#include <sessionpb/frame.h>

/* How a step of a tool ended. The first four are the exit statuses, the same for both tools. */
enum cli_status {
    CLI_OK = 0,
    CLI_REJECTED = 1,
    CLI_USAGE = 2,
    CLI_FAILED = 3,
    CLI_READER_GONE, /* nobody reads the output any more: end now, quietly, as a success */
    CLI_ENOUGH,      /* all that was asked for is done: read no further, and end as a success */
};

/* The type of the member that an option sets. */
enum cli_kind {
    CLI_FLAG,   /* bool */
    CLI_TEXT,   /* const char *: points into argv */
    CLI_CHOICE, /* int: the value of the choice that was named */
    CLI_COUNT,  /* struct cli_count */
    CLI_LIST,   /* struct cli_list: a text for each time that the option is given */
};

struct cli_choice {
    const char *name;
    int value; /* 0 only for the default */
};

struct cli_count {
    bool given;
    uint64_t value; /* 0 where the option was given without a value */
};

struct cli_list {
    const char **items; /* point into argv */
    size_t count;
};

/* One row of a tool's table: an option, where it goes, and its lines of the help text. */
struct cli_option {
    const char *name; /* the long option, without dashes */
    int letter;       /* the short one; 0 for none */
    enum cli_kind kind;
    bool value_optional;              /* CLI_COUNT */
    size_t offset;                    /* of its member in the tool's options */
    const char *value;                /* what stands for the value in the help text */
    const struct cli_choice *choices; /* CLI_CHOICE: ended by a NULL name */
    uint64_t min, max;                /* CLI_COUNT: max 0 for any number */
    bool network;                     /* it belongs into the text of --help-network */
    const char *help;                 /* further lines after '\n' */
};

/* Two options that contradict each other. */
struct cli_conflict {
    const struct cli_option *one;
    const struct cli_option *other;
    int choice; /* of `other`: the value that is meant; 0 for all of them */
};

/* An option that means nothing without another one, or one of two. */
struct cli_need {
    const struct cli_option *one;
    const struct cli_option *other;
    const struct cli_option *alternative; /* NULL: there is none */
};

struct cli_tool {
    const char *name;
    const char *about;                       /* whole lines, below the usage line */
    const struct cli_option *const *options; /* ended by NULL */
    const struct cli_conflict *conflicts;    /* ended by NULL */
    const struct cli_need *needs;            /* ended by NULL */
};

/* Values of --on-error; 0 where it is not given. */
enum cli_on_error { CLI_ON_ERROR_STOP = 1, CLI_ON_ERROR_SKIP };

/* Options of both tools. It is the first member of each tool's own struct. */
struct cli_options {
    const char *output;    /* NULL: standard output */
    const char *rejects;   /* NULL: bad records are kept nowhere */
    int framing;           /* 0: not given, else cli_framing() of it */
    int on_error;          /* enum cli_on_error */
    int unknown;           /* enum spb_unknown */
    struct cli_count zstd; /* the level; 0 for the default */
    struct cli_count frame_size;
    struct cli_count skip;
    struct cli_count limit;
    const char *tls_ca; /* paths; NULL where not given */
    const char *tls_cert;
    const char *tls_key;
    const char *credentials;
    struct cli_list settings; /* KEY=VALUE; its items are to be freed */
    bool lenient;
    bool check;
    bool stats;
    bool quiet;
    bool force;
    bool help;
    bool help_network;
    bool version;
    bool files_given;
    char *const
        *files; /* ended by NULL; "-" is standard input, which they are where none is given */
};

/* Their rows, for the tables of both tools. */
extern const struct cli_option cli_option_output;
extern const struct cli_option cli_option_framing;
extern const struct cli_option cli_option_zstd;
extern const struct cli_option cli_option_frame_size;
extern const struct cli_option cli_option_on_error;
extern const struct cli_option cli_option_rejects;
extern const struct cli_option cli_option_skip;
extern const struct cli_option cli_option_limit;
extern const struct cli_option cli_option_unknown;
extern const struct cli_option cli_option_lenient;
extern const struct cli_option cli_option_check;
extern const struct cli_option cli_option_stats;
extern const struct cli_option cli_option_quiet;
extern const struct cli_option cli_option_force;
extern const struct cli_option cli_option_help;
extern const struct cli_option cli_option_help_network;
extern const struct cli_option cli_option_version;
extern const struct cli_option cli_option_tls_ca;
extern const struct cli_option cli_option_tls_cert;
extern const struct cli_option cli_option_tls_key;
extern const struct cli_option cli_option_credentials;
extern const struct cli_option cli_option_setting;

/* The value of --framing's choice for an enum spb_framing, and back. */
enum { CLI_FRAMING_BASE = 1 };
enum spb_framing
cli_framing(const struct cli_options *options); /* delimited where it is not given */

/*
 * Parse the arguments, and prepare the process for the tool. Call it once, first.
 *
 * options      zero-initialised; the first member of the tool's struct
 * status_out   how the tool ends, where it is not to run
 *
 * Returns true when the tool is to run. Otherwise what was asked for (the help text, the version)
 * or what was wrong has been printed.
 */
bool cli_parse(const struct cli_tool *tool, int argc, char **argv, struct cli_options *options,
               enum cli_status *status_out);

/* Print the help text, or the version, to standard output. CLI_OK, CLI_READER_GONE or CLI_FAILED. */
enum cli_status cli_print_help(const struct cli_tool *tool, bool network);
enum cli_status cli_print_version(const struct cli_tool *tool);

/* The choices of an option as `keep|drop|reject`. */
void cli_format_choices(const struct cli_choice *choices, char *text, size_t size);

/* A converter as the options want it. NULL when memory is short; that has not been reported. */
spb_converter *cli_converter(const struct cli_options *options);

/* Print one line to standard error, behind the tool's name. */
#if defined(__GNUC__)
__attribute__((format(printf, 1, 2)))
#endif
void cli_error(const char *format, ...);

/* Report and return CLI_FAILED. `verb` and `name` as in: cannot open 'NAME': No such file */
enum cli_status cli_system_error(const char *verb, const char *name, int system_error);
enum cli_status cli_no_memory(void);

/* What a record's status means for the tool: CLI_REJECTED, or CLI_FAILED where it is no fault of
   the record. */
enum cli_status cli_record_status(enum spb_status status);

int cli_exit_code(enum cli_status status);

#endif
