#ifndef CLIBPQ_SHIM_H
#define CLIBPQ_SHIM_H
#include <libpq-fe.h>

// libpq's fields of an error are char constants that Swift would have to spell as integers.

/// Five characters; NULL where libpq itself failed.
static inline const char *shim_sqlstate(const PGresult *r) { return PQresultErrorField(r, PG_DIAG_SQLSTATE); }
static inline const char *shim_primary_message(const PGresult *r) {
  return PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY);
}
/// ERROR, FATAL or PANIC, in English.
static inline const char *shim_severity(const PGresult *r) {
  return PQresultErrorField(r, PG_DIAG_SEVERITY_NONLOCALIZED);
}

static inline void shim_ignore_notice(void *context, const PGresult *notice) {}
/// The server's notices would be printed on standard error.
static inline void shim_ignore_notices(PGconn *c) { PQsetNoticeReceiver(c, shim_ignore_notice, NULL); }
#endif
