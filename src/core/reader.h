/*
 * reader: the job JOB_READ: fetches a document that has only an address, takes the text out of it
 * and indexes it.
 */
#ifndef PARLEY_READER_H
#define PARLEY_READER_H

#include "core/jobs.h"

extern const struct job_kind	reader_job;

#endif
