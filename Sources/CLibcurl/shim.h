#ifndef CLIBCURL_SHIM_H
#define CLIBCURL_SHIM_H
#include <curl/curl.h>
// What libcurl is driven with; Swift's Glibc module has neither.
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <string.h>

// libcurl's setters are variadic, and Swift cannot call variadic C: one typed shim per argument type.

// Reads and writes have one C signature: the write, header and read callbacks of an easy handle.
typedef size_t (*shim_transfer_callback)(char *bytes, size_t size, size_t count, void *context);

static inline CURLcode shim_set_long(CURL *h, CURLoption o, long v) { return curl_easy_setopt(h, o, v); }
static inline CURLcode shim_set_size(CURL *h, CURLoption o, curl_off_t v) { return curl_easy_setopt(h, o, v); }
static inline CURLcode shim_set_text(CURL *h, CURLoption o, const char *v) { return curl_easy_setopt(h, o, v); }
static inline CURLcode shim_set_pointer(CURL *h, CURLoption o, void *v) { return curl_easy_setopt(h, o, v); }
static inline CURLcode shim_set_transfer_callback(CURL *h, CURLoption o, shim_transfer_callback f) {
  return curl_easy_setopt(h, o, f);
}
static inline CURLcode shim_set_prerequest_callback(CURL *h, curl_prereq_callback f) {
  return curl_easy_setopt(h, CURLOPT_PREREQFUNCTION, f);
}
static inline CURLcode shim_get_long(CURL *h, CURLINFO i, long *v) { return curl_easy_getinfo(h, i, v); }
static inline CURLcode shim_get_size(CURL *h, CURLINFO i, curl_off_t *v) { return curl_easy_getinfo(h, i, v); }
/// NULL if there is none; belongs to the handle.
static inline const char *shim_get_text(CURL *h, CURLINFO i) {
  char *text = NULL;
  return curl_easy_getinfo(h, i, &text) == CURLE_OK ? text : NULL;
}
/// A field of the peer's own certificate, such as "Expire date"; NULL if there is none. Belongs to the handle.
static inline const char *shim_certificate_field(CURL *h, const char *name) {
  struct curl_certinfo *chain = NULL;
  size_t length = strlen(name);
  if (curl_easy_getinfo(h, CURLINFO_CERTINFO, &chain) != CURLE_OK || !chain || chain->num_of_certs < 1) return NULL;
  for (struct curl_slist *line = chain->certinfo[0]; line; line = line->next) {
    if (strncmp(line->data, name, length) == 0 && line->data[length] == ':') return line->data + length + 1;
  }
  return NULL;
}
static inline CURLcode shim_get_pointer(CURL *h, CURLINFO i, void **v) { return curl_easy_getinfo(h, i, v); }

static inline CURLMcode shim_multi_set_long(CURLM *m, CURLMoption o, long v) { return curl_multi_setopt(m, o, v); }
static inline CURLMcode shim_multi_set_pointer(CURLM *m, CURLMoption o, void *v) { return curl_multi_setopt(m, o, v); }
static inline CURLMcode shim_multi_set_socket_callback(CURLM *m, curl_socket_callback f) {
  return curl_multi_setopt(m, CURLMOPT_SOCKETFUNCTION, f);
}
static inline CURLMcode shim_multi_set_timer_callback(CURLM *m, curl_multi_timer_callback f) {
  return curl_multi_setopt(m, CURLMOPT_TIMERFUNCTION, f);
}

/// Pops one finished transfer; returns NULL when the queue is empty. Hides the CURLMsg union.
static inline CURL *shim_pop_done(CURLM *m, CURLcode *result) {
  int left;
  CURLMsg *msg;
  while ((msg = curl_multi_info_read(m, &left))) {
    if (msg->msg == CURLMSG_DONE) {
      *result = msg->data.result;
      return msg->easy_handle;
    }
  }
  return NULL;
}
#endif
