/*
 * reader: the job JOB_READ: fetches a document that has only an address, takes the text out of it
 * and indexes it. JOB_INDEX does so to one that is ready, which stays as it is where that fails.
 */
#ifndef PARLEY_READER_H
#define PARLEY_READER_H

#include "core/jobs.h"

extern const struct job_kind	reader_job, reader_index_job;

#endif
