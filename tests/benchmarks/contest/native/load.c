/* Load: sends one request over and over on keep-alive connections, and says how long the answers took.
 *
 *     load PORT CONNECTIONS SECONDS RATE REQUEST
 *
 * REQUEST is a file with the whole HTTP request. With RATE 0 each connection sends again as soon as it was answered;
 * else RATE requests a second are due, and an answer's time counts from when its request was due, sent or not: a server
 * that stands still is not spared what it kept waiting. Every connection is used once before the measuring begins. No
 * request is begun after SECONDS, and all that were are waited for.
 *
 * Prints one line of JSON: "requests" and "seconds" from the first to the last answer; "errors": answers with another
 * status than 200 or another body than the first; "all": requests with those before the measuring; times in
 * microseconds, nearest rank. A lost connection ends it with 1.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { ANSWER = 1 << 22, EVENTS = 256 };

struct connection {
    int socket;
    int64_t due; /* from when the answer's time counts; 0 before the measuring */
    char *in;
    size_t received, head, whole; /* whole: the answer's size, 0 while unknown */
    bool chunked;
};

static char *request, *first;
static size_t request_size, first_size;
static int64_t *times;
static size_t count, room;
static long errors, all;
static int poll_fd, timer;

static void die(const char *what) {
    fprintf(stderr, "load: %s (%s)\n", what, errno ? strerror(errno) : "as it is");
    exit(1);
}

static int64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void read_request(const char *place) {
    FILE *file = fopen(place, "rb");
    request = malloc(1 << 20);
    if (!file || !request) die(place);
    request_size = fread(request, 1, 1 << 20, file);
    fclose(file);
}

static void connect_to(struct connection *c, int port) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    c->socket = socket(AF_INET, SOCK_STREAM, 0);
    if (c->socket < 0 || connect(c->socket, (void *)&to, sizeof to)) die("connect");
    int on = 1;
    setsockopt(c->socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (!(c->in = malloc(ANSWER))) die("memory");
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    if (epoll_ctl(poll_fd, EPOLL_CTL_ADD, c->socket, &event)) die("epoll_ctl");
}

static void ask(struct connection *c, int64_t due) {
    c->due = due;
    c->received = c->head = c->whole = 0;
    c->chunked = false;
    if (send(c->socket, request, request_size, MSG_NOSIGNAL) != (ssize_t)request_size) die("a connection was lost");
}

static void keep_time(int64_t took) {
    if (count == room && !(times = realloc(times, (room = room ? room * 2 : 1 << 16) * sizeof *times))) die("memory");
    times[count++] = took;
}

static void read_head(struct connection *c) {
    char *end = memmem(c->in, c->received, "\r\n\r\n", 4);
    if (!end) return;
    *end = 0;
    c->head = (size_t)(end - c->in) + 4;
    char *length = strcasestr(c->in, "\r\nContent-Length:");
    if (length) c->whole = c->head + strtoul(length + 17, NULL, 10);
    else if (strcasestr(c->in, "\r\nTransfer-Encoding: chunked")) c->chunked = true;
    else die("an answer says nothing of its length");
    if (c->whole > ANSWER) die("an answer is too large");
}

/* Whether all of the answer is there. */
static bool is_whole(struct connection *c) {
    if (!c->head) read_head(c);
    if (!c->head) return false;
    if (!c->chunked) return c->received >= c->whole;
    return c->received >= c->head + 5 && !memcmp(c->in + c->received - 5, "0\r\n\r\n", 5);
}

static void judge(struct connection *c) {
    char *body = c->in + c->head;
    size_t size = c->received - c->head;
    if (!first) {
        if (!(first = malloc(size + 1))) die("memory");
        memcpy(first, body, first_size = size);
    }
    if (strncmp(c->in, "HTTP/1.1 200", 12) || size != first_size || memcmp(body, first, size)) errors++;
    all++;
}

/* Read; whether the answer is whole now. */
static bool receive(struct connection *c) {
    ssize_t got = recv(c->socket, c->in + c->received, ANSWER - c->received, 0);
    if (got <= 0) die("a connection was lost");
    c->received += (size_t)got;
    return is_whole(c);
}

static void wake_at(int64_t due) {
    struct itimerspec at = {.it_value = {due / 1000000000LL, due % 1000000000LL}};
    timerfd_settime(timer, TFD_TIMER_ABSTIME, &at, NULL);
}

static int by_size(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static double percentile(double share) {
    size_t rank = (size_t)(share * (double)count);
    if ((double)rank < share * (double)count) rank++;
    return count ? (double)times[rank ? rank - 1 : 0] / 1000 : 0;
}

int main(int argc, char **argv) {
    if (argc != 6) return fputs("load PORT CONNECTIONS SECONDS RATE REQUEST\n", stderr), 2;
    int port = atoi(argv[1]), connections = atoi(argv[2]);
    double seconds = atof(argv[3]), rate = atof(argv[4]);
    read_request(argv[5]);
    poll_fd = epoll_create1(0);
    struct connection *own = calloc((size_t)connections, sizeof *own);
    struct connection **idle = calloc((size_t)connections, sizeof *idle);
    int idle_count = 0;
    if (!own || !idle) die("memory");
    for (int i = 0; i < connections; i++) connect_to(&own[i], port);
    for (int i = 0; i < connections; i++) ask(&own[i], 0);
    for (int i = 0; i < connections; i++) {
        while (!receive(&own[i])) {}
        judge(&own[i]);
        idle[idle_count++] = &own[i];
    }

    timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.ptr = NULL};
    if (timer < 0 || epoll_ctl(poll_fd, EPOLL_CTL_ADD, timer, &event)) die("timer");
    int64_t begin = now(), end = begin + (int64_t)(seconds * 1e9), last = begin;
    for (long next = 0;;) {
        int64_t at = now();
        while (idle_count) {
            int64_t due = rate > 0 ? begin + (int64_t)((double)next / rate * 1e9) : at;
            if (due > at || due >= end) break;
            ask(idle[--idle_count], due);
            next++;
        }
        int64_t due = begin + (int64_t)((double)next / (rate > 0 ? rate : 1) * 1e9);
        bool more = rate > 0 ? due < end : at < end;
        if (!more && idle_count == connections) break;
        if (rate > 0 && more && idle_count) wake_at(due);
        struct epoll_event events[EVENTS];
        int ready = epoll_wait(poll_fd, events, EVENTS, -1);
        for (int i = 0; i < ready; i++) {
            struct connection *c = events[i].data.ptr;
            if (!c || !receive(c)) continue;
            last = now();
            keep_time(last - c->due);
            judge(c);
            idle[idle_count++] = c;
        }
    }
    qsort(times, count, sizeof *times, by_size);
    printf("{\"requests\":%zu,\"all\":%ld,\"errors\":%ld,\"seconds\":%.6f,\"p50\":%.1f,\"p99\":%.1f,\"most\":%.1f}\n",
           count, all, errors, (double)(last - begin) / 1e9, percentile(0.5), percentile(0.99), percentile(1));
}
