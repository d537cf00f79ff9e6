/*
 * The files of a channel: the client's bytes go to an SFTP server or to scp (sshd/sftp), and what
 * that asks of its tree goes over the channel's line to the broker, which has the rights and opens
 * the files.
 *
 * The door knows no path of the host: it gets descriptors that can be read and nothing else.
 */
#ifndef SSHD_FILES_H
#define SSHD_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/loop.h"

struct channel;
struct files;
struct job_pool;

#define FILES_THREADS 4 /* that read files which are not in memory */
/* Reads that wait for one of them: SFTPD_JOBS_MAX of each channel a door can have. */
#define FILES_JOBS_MAX (1U << 20)
#define FILES_ROUNDS 32 /* answers of the broker taken in one turn */

/*
 * For a channel that has asked for the subsystem sftp (command NULL) or for a command.
 * 0; -ENOENT: the command is none for files; -ENOMEM and others.
 */
int files_create(struct channel *channel, const char *command, struct files **out) MUST_CHECK;
/* The broker is told what of each file was given out, if the line still is. */
void files_destroy(struct files **files);

/* FILES, the channel's first message. As line_send. */
int files_send_request(struct files *f) MUST_CHECK;

/* The client's bytes: how many were taken. */
size_t files_input(struct files *f, const void *data, size_t len);
void files_input_ends(struct files *f);

/* The broker's answers, as far as they have come. */
void files_take_answers(struct files *f);
/* The line takes messages again. */
void files_resume(struct files *f);
/* Whether the line was full. */
bool files_wait_for_line(const struct files *f);

/* Gives the client what it takes; says so when all is said. */
void files_pump(struct files *f);

#endif
