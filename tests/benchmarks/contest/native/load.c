/* Load: sends requests on keep-alive connections, each one different, and measures the times of the responses.
 *
 *     load PORT CONNECTIONS SECONDS RATE SEED REQUESTS [TOKENS]
 *
 * REQUESTS is a file with whole HTTP requests, one after the other. The first is the measured one. The others share 1 %
 * of the load, drawn at random with equal chances: a server gets other operations meanwhile, as it does in production.
 * Times and rates are of all requests.
 *
 * Each `~` in them is filled with a hex digit as a request is sent: sixteen of each of splitmix64's numbers, of which no
 * two are equal, so no two `traceparent`, `X-Request-Id` or cursors are. A run of `^` is filled with one of TOKENS, drawn
 * at random: a file of lines that are as long as the run. SEED determines all draws: a run can be repeated, and two runs
 * with different seeds have nothing in common.
 *
 * With RATE 0 each connection sends again as soon as it has its response; else RATE requests a second are due, and the
 * time of a response counts from when its request was due, sent or not: a stall counts for all requests that wait for
 * it. Every connection sends one request before the measurement. No request is sent after SECONDS, and all responses are
 * waited for.
 *
 * Prints one line of JSON: "requests" and "seconds" from the first to the last response; "errors": responses with
 * another status than 200 or another body than the first to the same of REQUESTS; "all": requests with those before the
 * measurement; times in microseconds, nearest rank. A lost connection ends it with 1.
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

enum { ANSWER = 1 << 22, EVENTS = 256, REQUESTS = 64, DIGITS = 256, FILE_SIZE = 1 << 20, OTHERS_ONE_IN = 100 };

struct request {
    char *text; /* as sent last */
    size_t size;
    char *digits[DIGITS], *token; /* the placeholders; token: NULL if there is none */
    int digit_count;
    char *first; /* the body of its first response */
    size_t first_size;
};

struct connection {
    int socket;
    struct request *asked;
    int64_t due; /* start of the response's time; 0 before the measurement */
    char *in;
    size_t received, head, whole; /* whole: the response's size, 0 while unknown */
    bool chunked;
};

static struct request requests[REQUESTS];
static int request_count;
static char *tokens;
static size_t token_count, token_size;
static uint64_t seed;
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

/* The next of 2^64 numbers, all different (splitmix64, Steele, Lea and Flood 2014). */
static uint64_t draw(void) {
    uint64_t x = seed += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

static char *read_file(const char *place, size_t *size) {
    FILE *file = fopen(place, "rb");
    char *text = malloc(FILE_SIZE + 1);
    if (!file || !text) die(place);
    *size = fread(text, 1, FILE_SIZE, file);
    if (*size == FILE_SIZE) die("a file is too large");
    text[*size] = 0;
    fclose(file);
    return text;
}

static void read_tokens(const char *place) {
    size_t size;
    tokens = read_file(place, &size);
    token_size = strcspn(tokens, "\n");
    token_count = size / (token_size + 1);
    for (size_t i = 0; i < token_count; i++)
        if (strcspn(tokens + i * (token_size + 1), "\n") != token_size) die("tokens differ in length");
}

static void add_request(char *text, size_t size) {
    if (request_count == REQUESTS) die("too many requests");
    struct request *request = &requests[request_count++];
    request->text = text;
    request->size = size;
    for (char *c = text; c < text + size; c++) {
        if (*c == '~') {
            if (request->digit_count == DIGITS) die("too many digits");
            request->digits[request->digit_count++] = c;
        } else if (*c == '^') {
            size_t run = strspn(c, "^");
            if (request->token || !token_count || run != token_size) die("a token has no place");
            request->token = c;
            c += run - 1;
        }
    }
}

static void read_requests(const char *place) {
    size_t size;
    for (char *text = read_file(place, &size), *end = text + size, *body; text < end; text = body) {
        body = strstr(text, "\r\n\r\n");
        char *length = strcasestr(text, "\r\nContent-Length:");
        if (!body || !length || length > body) die("no request with a length");
        body += 4 + strtoul(length + 17, NULL, 10);
        if (body > end) die("a request is cut off");
        add_request(text, (size_t)(body - text));
    }
    if (!request_count) die("no request");
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

/* Fill in a request to send. */
static struct request *next_request(void) {
    uint64_t drawn = draw();
    uint64_t others = (uint64_t)request_count - 1;
    bool other = others && drawn % OTHERS_ONE_IN == 0;
    struct request *request = &requests[other ? 1 + drawn / OTHERS_ONE_IN % others : 0];
    uint64_t digits = 0;
    for (int i = 0; i < request->digit_count; i++, digits >>= 4) {
        if (i % 16 == 0) digits = draw();
        *request->digits[i] = "0123456789abcdef"[digits & 15];
    }
    if (request->token) memcpy(request->token, tokens + draw() % token_count * (token_size + 1), token_size);
    return request;
}

static void ask(struct connection *c, int64_t due) {
    struct request *request = c->asked = next_request();
    c->due = due;
    c->received = c->head = c->whole = 0;
    c->chunked = false;
    if (send(c->socket, request->text, request->size, MSG_NOSIGNAL) != (ssize_t)request->size) die("a connection was lost");
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

/* Whether the response is complete. */
static bool is_whole(struct connection *c) {
    if (!c->head) read_head(c);
    if (!c->head) return false;
    if (!c->chunked) return c->received >= c->whole;
    return c->received >= c->head + 5 && !memcmp(c->in + c->received - 5, "0\r\n\r\n", 5);
}

static void judge(struct connection *c) {
    struct request *asked = c->asked;
    char *body = c->in + c->head;
    size_t size = c->received - c->head;
    if (!asked->first) {
        if (!(asked->first = malloc(size + 1))) die("memory");
        memcpy(asked->first, body, asked->first_size = size);
    }
    bool right = !strncmp(c->in, "HTTP/1.1 200", 12) && size == asked->first_size && !memcmp(body, asked->first, size);
    errors += !right;
    all++;
}

/* Read; return whether the response is complete. */
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
    if (argc != 7 && argc != 8) return fputs("load PORT CONNECTIONS SECONDS RATE SEED REQUESTS [TOKENS]\n", stderr), 2;
    int port = atoi(argv[1]), connections = atoi(argv[2]);
    double seconds = atof(argv[3]), rate = atof(argv[4]);
    seed = strtoull(argv[5], NULL, 10);
    seed = draw(); /* neighbouring seeds start far from each other */
    if (argc == 8) read_tokens(argv[7]);
    read_requests(argv[6]);
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
