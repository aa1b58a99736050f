/* Canned services: responds from files, and counts requests. One process, epoll, HTTP/1.1 keep-alive.
 *
 *     canned FOLDER PORTS
 *
 * listens at PORTS ports of loopback and prints them on a line. FOLDER/<page>/<call>.json is the result of a call while
 * that page is in use; GET /use/<page> changes it, for every port. <call> is the operation's name, with "-<number>" if
 * the arguments hold "first":<number>.
 *
 * POST /rpc/<operation>              the result
 * POST /rpc  [["operation", {}],..]  [[200, result], ...] in the same order
 *
 * FOLDER/<page>/<call>.<part>.json is a part of the result: the 206 response to a call whose selection in Kierto-Pick is,
 * byte by byte, the content of <call>.<part>.pick. The response to any other selection is the whole result.
 *
 * POST /graphql  {"query": ".."}     a subgraph's response: that part of the call "graphql" whose .pick is the query's string
 *
 * GET /count                         the number of POST requests of each path of this port, as JSON
 * GET /last                          the last POST request of this port, head and body
 *
 * Heads of responses are those of the services: the same fields in the same order, the date of the second.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { PAGES = 8, ANSWERS = 128, DOORS = 8, PATHS = 16, NAME = 256, REQUEST = 1 << 18, CALLS = 64, EVENTS = 256 };

struct slice { const char *text; size_t size; };
struct answer { struct slice call, body, pick; }; /* pick: empty for a whole result */
struct page { char name[NAME]; struct answer answers[ANSWERS]; int count; };
struct path { char name[NAME]; long calls; };
struct listener { int socket; struct path paths[PATHS]; int count; char *last; size_t last_size; };
struct connection {
    int socket; /* of a listener: its number */
    struct listener *listener; /* NULL for a listener */
    char *in;
    size_t received;
    char *out; /* bytes not sent yet */
    size_t unsent;
};

static struct page pages[PAGES], *in_use = pages;
static int page_count, poll_fd;
static struct listener listeners[DOORS];

static void die(const char *what) {
    perror(what);
    exit(1);
}

static void *made(void *memory) {
    if (!memory) die("memory");
    return memory;
}

static bool same(struct slice a, struct slice b) {
    return a.size == b.size && !memcmp(a.text, b.text, a.size);
}

static struct slice read_file(const char *place) {
    FILE *file = fopen(place, "rb");
    struct stat info;
    if (!file || fstat(fileno(file), &info)) die(place);
    char *text = made(malloc((size_t)info.st_size + 1));
    size_t size = fread(text, 1, (size_t)info.st_size, file);
    if (size != (size_t)info.st_size) die(place);
    fclose(file);
    return (struct slice){text, size};
}

static void load_page(const char *folder, const char *name) {
    struct page *page = &pages[page_count++];
    snprintf(page->name, NAME, "%s", name);
    char place[4096];
    snprintf(place, sizeof place, "%s/%s", folder, name);
    DIR *listing = opendir(place);
    if (!listing) die(place);
    for (struct dirent *entry; (entry = readdir(listing));) {
        char *end = strstr(entry->d_name, ".json");
        if (!end) continue;
        if (page->count == ANSWERS) die("too many answers");
        struct answer *answer = &page->answers[page->count++];
        size_t size = strcspn(entry->d_name, ".");
        answer->call = (struct slice){made(strndup(entry->d_name, size)), size};
        snprintf(place, sizeof place, "%s/%s/%s", folder, name, entry->d_name);
        answer->body = read_file(place);
        if (entry->d_name + size == end) continue;
        snprintf(place, sizeof place, "%s/%s/%.*s.pick", folder, name, (int)(end - entry->d_name), entry->d_name);
        answer->pick = read_file(place);
    }
    closedir(listing);
}

static void load_pages(const char *folder) {
    DIR *listing = opendir(folder);
    if (!listing) die(folder);
    for (struct dirent *entry; (entry = readdir(listing)) && page_count < PAGES;)
        if (entry->d_name[0] != '.') load_page(folder, entry->d_name);
    closedir(listing);
}

/* The selected part of a call's result, or all of it if there is no such part; NULL for an unknown call. */
static struct answer *find(struct slice operation, struct slice arguments, struct slice pick) {
    char name[NAME];
    char *first = memmem(arguments.text, arguments.size, "\"first\":", 8);
    int length = operation.size < NAME / 2 ? (int)operation.size : NAME / 2;
    int size = snprintf(name, NAME, "%.*s", length, operation.text);
    if (first) size += snprintf(name + size, NAME - size, "-%lu", strtoul(first + 8, NULL, 10));
    struct slice call = {name, (size_t)size};
    struct answer *whole = NULL;
    for (int i = 0; i < in_use->count; i++) {
        struct answer *answer = &in_use->answers[i];
        if (!same(answer->call, call)) continue;
        if (answer->pick.size && same(answer->pick, pick)) return answer;
        if (!answer->pick.size) whole = answer;
    }
    return whole;
}

static void count(struct listener *listener, struct slice path) {
    for (int i = 0; i < listener->count; i++)
        if (strlen(listener->paths[i].name) == path.size && !memcmp(listener->paths[i].name, path.text, path.size)) {
            listener->paths[i].calls++;
            return;
        }
    if (listener->count == PATHS || path.size >= NAME) return;
    struct path *one = &listener->paths[listener->count++];
    snprintf(one->name, NAME, "%.*s", (int)path.size, path.text);
    one->calls = 1;
}

/* The items of a JSON list. */
static int items(struct slice list, struct slice *found) {
    int depth = 0, count = 0;
    const char *start = NULL;
    for (size_t i = 0; i < list.size; i++) {
        char c = list.text[i];
        if ((c == ',' || c == ']') && depth == 1 && start && count < CALLS) {
            found[count++] = (struct slice){start, (size_t)(list.text + i - start)};
            start = NULL;
        } else if (depth >= 1 && !start && c != ' ' && c != ',') {
            start = list.text + i;
        }
        if (c == '"')
            for (i++; i < list.size && list.text[i] != '"'; i++) i += list.text[i] == '\\';
        else if (c == '[' || c == '{') depth++;
        else if (c == ']' || c == '}') depth--;
    }
    return count;
}

static void watch(struct connection *c, unsigned events) {
    struct epoll_event event = {.events = events, .data.ptr = c};
    if (epoll_ctl(poll_fd, EPOLL_CTL_MOD, c->socket, &event)) die("epoll_ctl");
}

/* Send the parts; keep the bytes that the socket does not accept now. */
static void send_parts(struct connection *c, struct iovec *parts, int count) {
    size_t total = 0;
    for (int i = 0; i < count; i++) total += parts[i].iov_len;
    ssize_t sent = c->unsent ? 0 : writev(c->socket, parts, count);
    if (sent < 0) {
        if (errno != EAGAIN) return; /* a lost connection shows when it is read */
        sent = 0;
    }
    if ((size_t)sent == total) return;
    c->out = made(realloc(c->out, c->unsent + total - (size_t)sent));
    size_t skip = (size_t)sent;
    for (int i = 0; i < count; i++) {
        size_t from = skip < parts[i].iov_len ? skip : parts[i].iov_len;
        skip -= from;
        memcpy(c->out + c->unsent, (char *)parts[i].iov_base + from, parts[i].iov_len - from);
        c->unsent += parts[i].iov_len - from;
    }
    watch(c, EPOLLIN | EPOLLOUT);
}

static void send_rest(struct connection *c) {
    ssize_t sent = send(c->socket, c->out, c->unsent, MSG_NOSIGNAL);
    if (sent <= 0) return;
    c->unsent -= (size_t)sent;
    memmove(c->out, c->out + sent, c->unsent);
    if (!c->unsent) watch(c, EPOLLIN);
}

/* The present date in the format of HTTP (RFC 9110, section 5.6.7). */
static const char *date(void) {
    static char text[32];
    static time_t written;
    time_t now = time(NULL);
    if (now != written) strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", gmtime(&now));
    written = now;
    return text;
}

static void answer_with(struct connection *c, int status, struct iovec *parts, int count) {
    char head[256];
    size_t size = 0;
    for (int i = 1; i < count; i++) size += parts[i].iov_len;
    int length = snprintf(head, sizeof head,
                          "HTTP/1.1 %d %s\r\ndate: %s\r\nx-content-type-options: nosniff\r\ncontent-length: %zu\r\n"
                          "content-type: application/json\r\n\r\n",
                          status, status == 200 ? "OK" : status == 206 ? "Partial Content" : "Not Found", date(), size);
    parts[0] = (struct iovec){head, (size_t)length};
    send_parts(c, parts, count);
}

static void answer_text(struct connection *c, int status, const char *text) {
    struct iovec parts[2] = {[1] = {(void *)text, strlen(text)}};
    answer_with(c, status, parts, 2);
}

static void answer_call(struct connection *c, struct slice operation, struct slice body, struct slice pick) {
    struct slice picks[CALLS];
    struct answer *answer = find(operation, body, items(pick, picks) == 1 ? picks[0] : pick);
    if (!answer) return answer_text(c, 404, "{\"code\":\"NO_SUCH_OPERATION\"}");
    struct iovec parts[2] = {[1] = {(void *)answer->body.text, answer->body.size}};
    answer_with(c, answer->pick.size ? 206 : 200, parts, 2);
}

static void answer_round_trip(struct connection *c, struct slice body, struct slice pick) {
    struct slice asked[CALLS], call[CALLS], picks[CALLS];
    struct iovec parts[2 + 2 * CALLS];
    int calls = items(body, asked), used = 1;
    bool picked = items(pick, picks) == calls;
    for (int i = 0; i < calls; i++) {
        if (items(asked[i], call) != 2 || call[0].size < 2) return answer_text(c, 404, "{\"code\":\"MALFORMED\"}");
        struct slice operation = {call[0].text + 1, call[0].size - 2}; /* without its quotes */
        struct answer *answer = find(operation, call[1], picked ? picks[i] : (struct slice){"", 0});
        if (!answer) return answer_text(c, 404, "{\"code\":\"NO_SUCH_OPERATION\"}");
        const char *glue = answer->pick.size ? (i ? "],[206," : "[[206,") : (i ? "],[200," : "[[200,");
        parts[used++] = (struct iovec){(void *)glue, strlen(glue)};
        parts[used++] = (struct iovec){(void *)answer->body.text, answer->body.size};
    }
    parts[used++] = calls ? (struct iovec){"]]", 2} : (struct iovec){"[]", 2};
    answer_with(c, 200, parts, used);
}

/* The string of a GraphQL request's query, with its quotes; no known query has any inside. */
static struct slice query(struct slice body) {
    char *key = memmem(body.text, body.size, "\"query\":\"", 9);
    if (!key) return (struct slice){"", 0};
    const char *text = key + 8, *end = memchr(text + 1, '"', (size_t)(body.text + body.size - text - 1));
    return (struct slice){text, end ? (size_t)(end + 1 - text) : 0};
}

static void answer_query(struct connection *c, struct slice body) {
    struct answer *answer = find((struct slice){"graphql", 7}, body, query(body));
    if (!answer) return answer_text(c, 404, "{\"code\":\"NO_SUCH_QUERY\"}");
    struct iovec parts[2] = {[1] = {(void *)answer->body.text, answer->body.size}};
    answer_with(c, 200, parts, 2);
}

static void answer_count(struct connection *c) {
    char text[PATHS * (NAME + 32)] = "{";
    for (int i = 0; i < c->listener->count; i++) {
        struct path *one = &c->listener->paths[i];
        sprintf(text + strlen(text), "%s\"%s\":%ld", i ? "," : "", one->name, one->calls);
    }
    strcat(text, "}");
    answer_text(c, 200, text);
}

static void answer_last(struct connection *c) {
    struct iovec parts[2] = {[1] = {c->listener->last, c->listener->last_size}};
    answer_with(c, 200, parts, 2);
}

static void use(struct connection *c, struct slice name) {
    for (int i = 0; i < page_count; i++)
        if (strlen(pages[i].name) == name.size && !memcmp(pages[i].name, name.text, name.size)) {
            in_use = &pages[i];
            return answer_text(c, 200, "{}");
        }
    answer_text(c, 404, "{\"code\":\"NO_SUCH_PAGE\"}");
}

static bool begins(struct slice text, const char *with, struct slice *rest) {
    size_t size = strlen(with);
    if (text.size < size || memcmp(text.text, with, size)) return false;
    *rest = (struct slice){text.text + size, text.size - size};
    return true;
}

static void answer(struct connection *c, bool posted, struct slice path, struct slice body, struct slice pick) {
    struct slice name;
    if (posted) count(c->listener, path);
    if (posted && begins(path, "/rpc/", &name)) return answer_call(c, name, body, pick);
    if (posted && begins(path, "/rpc", &name) && !name.size) return answer_round_trip(c, body, pick);
    if (posted && begins(path, "/graphql", &name) && !name.size) return answer_query(c, body);
    if (!posted && begins(path, "/count", &name)) return answer_count(c);
    if (!posted && begins(path, "/last", &name)) return answer_last(c);
    if (!posted && begins(path, "/use/", &name)) return use(c, name);
    answer_text(c, 404, "{}");
}

/* The value of a field of a head; empty if there is none. */
static struct slice field(const char *head, const char *name) {
    char *line = strcasestr(head, name);
    if (!line) return (struct slice){"", 0};
    line += strlen(name);
    line += strspn(line, " ");
    return (struct slice){line, strcspn(line, "\r")};
}

/* Respond to the first request if it is complete; return its size, or 0. */
static size_t take(struct connection *c, char *from, size_t size) {
    char *end = memmem(from, size, "\r\n\r\n", 4);
    if (!end) return 0;
    *end = 0; /* so that the head can be searched as a string */
    struct slice body = {end + 4, strtoul(field(from, "\r\nContent-Length:").text, NULL, 10)};
    struct slice pick = field(from, "\r\nKierto-Pick:");
    *end = '\r';
    if (body.text + body.size > from + size) return 0;
    size_t whole = (size_t)(body.text - from) + body.size;
    bool posted = !strncmp(from, "POST ", 5);
    char *path = memchr(from, ' ', (size_t)(end - from));
    if (!path) return size;
    path++;
    if (posted) memcpy(c->listener->last, from, c->listener->last_size = whole);
    answer(c, posted, (struct slice){path, strcspn(path, " ?\r")}, body, pick);
    return whole;
}

static void drop(struct connection *c) {
    close(c->socket);
    free(c->in);
    free(c->out);
    free(c);
}

static void receive(struct connection *c) {
    ssize_t got = recv(c->socket, c->in + c->received, REQUEST - c->received, 0);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) return drop(c); /* closed, or a request larger than expected */
    c->received += (size_t)got;
    size_t done = 0, size;
    while (done < c->received && (size = take(c, c->in + done, c->received - done))) done += size;
    c->received -= done;
    memmove(c->in, c->in + done, c->received);
}

static void greet(struct listener *listener) {
    for (int socket; (socket = accept4(listener->socket, NULL, NULL, SOCK_NONBLOCK)) >= 0;) {
        int on = 1;
        setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        struct connection *c = made(calloc(1, sizeof *c));
        *c = (struct connection){.socket = socket, .listener = listener, .in = made(malloc(REQUEST))};
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
        if (epoll_ctl(poll_fd, EPOLL_CTL_ADD, socket, &event)) die("epoll_ctl");
    }
}

static void open_door(struct listener *listener) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;
    listener->socket = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (listener->socket < 0 || bind(listener->socket, (void *)&at, size) || listen(listener->socket, 512)) die("listen");
    if (getsockname(listener->socket, (void *)&at, &size)) die("getsockname");
    listener->last = made(malloc(REQUEST));
    struct connection *c = made(calloc(1, sizeof *c));
    c->socket = (int)(listener - listeners);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    if (epoll_ctl(poll_fd, EPOLL_CTL_ADD, listener->socket, &event)) die("epoll_ctl");
    printf("%d ", ntohs(at.sin_port));
}

int main(int argc, char **argv) {
    int wanted = argc == 3 ? atoi(argv[2]) : 0;
    if (wanted < 1 || wanted > DOORS) return fputs("canned FOLDER DOORS\n", stderr), 2;
    signal(SIGPIPE, SIG_IGN);
    load_pages(argv[1]);
    poll_fd = epoll_create1(0);
    for (int i = 0; i < wanted; i++) open_door(&listeners[i]);
    puts("");
    fflush(stdout);
    for (struct epoll_event events[EVENTS];;) {
        int ready = epoll_wait(poll_fd, events, EVENTS, -1);
        for (int i = 0; i < ready; i++) {
            struct connection *c = events[i].data.ptr;
            if (!c->listener) greet(&listeners[c->socket]);
            else {
                if (events[i].events & EPOLLOUT) send_rest(c);
                if (events[i].events & ~(unsigned)EPOLLOUT) receive(c);
            }
        }
    }
}
