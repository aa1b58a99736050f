/* The services by heart: answers from files, and counts what it was asked. One process, epoll, HTTP/1.1 keep-alive.
 *
 *     canned FOLDER DOORS
 *
 * listens at DOORS ports of loopback and prints them on a line. FOLDER/<page>/<operation>.json is the result of an
 * operation while that page is in use; GET /use/<page> changes it, for every door.
 *
 * POST /rpc/<operation>              the result
 * POST /rpc  [["operation", {}],..]  [[200, result], ...] in the same order
 *
 * Who sends Kierto-Pick is answered 206, with FOLDER/<page>/<operation>.picked.json, where there is one.
 *
 * GET /count                         how often each path of this door was asked for by POST, as JSON
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
#include <unistd.h>

enum { PAGES = 8, ANSWERS = 16, DOORS = 8, PATHS = 16, NAME = 256, REQUEST = 1 << 18, CALLS = 64, EVENTS = 256 };

struct answer { char name[NAME]; char *body; size_t size; };
struct page { char name[NAME]; struct answer answers[ANSWERS]; int count; };
struct path { char name[NAME]; long calls; };
struct door { int socket; struct path paths[PATHS]; int count; };
struct slice { const char *text; size_t size; };
struct connection {
    int socket; /* of a door: its number */
    struct door *door; /* NULL for a door */
    char *in;
    size_t received;
    char *out; /* what the peer has not taken yet */
    size_t unsent;
};

static struct page pages[PAGES], *in_use = pages;
static int page_count, poll_fd;
static struct door doors[DOORS];

static void die(const char *what) {
    perror(what);
    exit(1);
}

static void *made(void *memory) {
    if (!memory) die("memory");
    return memory;
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
        if (!end || page->count == ANSWERS) continue;
        struct answer *answer = &page->answers[page->count++];
        snprintf(answer->name, NAME, "%.*s", (int)(end - entry->d_name), entry->d_name);
        snprintf(place, sizeof place, "%s/%s/%s", folder, name, entry->d_name);
        FILE *file = fopen(place, "rb");
        struct stat info;
        if (!file || fstat(fileno(file), &info)) die(place);
        answer->size = (size_t)info.st_size;
        answer->body = made(malloc(answer->size + 1));
        if (fread(answer->body, 1, answer->size, file) != answer->size) die(place);
        fclose(file);
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

/* The answer of an operation, or what is picked of it (`part` is ".picked"). */
static struct answer *find(struct slice name, const char *part) {
    for (int i = 0; i < in_use->count; i++) {
        struct answer *answer = &in_use->answers[i];
        if (!strncmp(answer->name, name.text, name.size) && !strcmp(answer->name + name.size, part)) return answer;
    }
    return NULL;
}

static void count(struct door *door, struct slice path) {
    for (int i = 0; i < door->count; i++)
        if (strlen(door->paths[i].name) == path.size && !memcmp(door->paths[i].name, path.text, path.size)) {
            door->paths[i].calls++;
            return;
        }
    if (door->count == PATHS || path.size >= NAME) return;
    struct path *one = &door->paths[door->count++];
    snprintf(one->name, NAME, "%.*s", (int)path.size, path.text);
    one->calls = 1;
}

/* The strings in the arrays of the outermost array, and no deeper: the operations' names. */
static int operations(struct slice body, struct slice *names) {
    int depth = 0, found = 0;
    for (size_t i = 0; i < body.size; i++) {
        char c = body.text[i];
        if (c == '"') {
            size_t start = ++i;
            while (i < body.size && body.text[i] != '"') i += body.text[i] == '\\' ? 2 : 1;
            if (depth == 2 && found < CALLS) names[found++] = (struct slice){body.text + start, i - start};
        } else if (c == '[' || c == '{') {
            depth++;
        } else if (c == ']' || c == '}') {
            depth--;
        }
    }
    return found;
}

static void watch(struct connection *c, unsigned events) {
    struct epoll_event event = {.events = events, .data.ptr = c};
    if (epoll_ctl(poll_fd, EPOLL_CTL_MOD, c->socket, &event)) die("epoll_ctl");
}

/* Send the parts; keep what the peer does not take now. */
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

static void answer_with(struct connection *c, int status, struct iovec *parts, int count) {
    char head[160];
    size_t size = 0;
    for (int i = 1; i < count; i++) size += parts[i].iov_len;
    int length = snprintf(head, sizeof head, "HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
                          status, status < 300 ? "OK" : "Not Found", size);
    parts[0] = (struct iovec){head, (size_t)length};
    send_parts(c, parts, count);
}

static void answer_text(struct connection *c, int status, const char *text) {
    struct iovec parts[2] = {[1] = {(void *)text, strlen(text)}};
    answer_with(c, status, parts, 2);
}

static void answer_round_trip(struct connection *c, struct slice body, bool picks) {
    struct slice names[CALLS];
    struct iovec parts[2 + 2 * CALLS];
    int calls = operations(body, names), used = 1;
    for (int i = 0; i < calls; i++) {
        struct answer *picked = picks ? find(names[i], ".picked") : NULL, *answer = picked ? picked : find(names[i], "");
        if (!answer) return answer_text(c, 404, "{\"code\":\"NO_SUCH_OPERATION\"}");
        const char *glue = picked ? (i ? "],[206," : "[[206,") : (i ? "],[200," : "[[200,");
        parts[used++] = (struct iovec){(void *)glue, strlen(glue)};
        parts[used++] = (struct iovec){answer->body, answer->size};
    }
    parts[used++] = calls ? (struct iovec){"]]", 2} : (struct iovec){"[]", 2};
    answer_with(c, 200, parts, used);
}

static void answer_count(struct connection *c) {
    char text[PATHS * (NAME + 32)] = "{";
    for (int i = 0; i < c->door->count; i++) {
        struct path *one = &c->door->paths[i];
        sprintf(text + strlen(text), "%s\"%s\":%ld", i ? "," : "", one->name, one->calls);
    }
    strcat(text, "}");
    answer_text(c, 200, text);
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

static void answer(struct connection *c, bool posted, struct slice path, struct slice body, bool picks) {
    struct slice name;
    if (posted) count(c->door, path);
    if (posted && begins(path, "/rpc/", &name)) {
        struct answer *picked = picks ? find(name, ".picked") : NULL, *answer = picked ? picked : find(name, "");
        if (!answer) return answer_text(c, 404, "{\"code\":\"NO_SUCH_OPERATION\"}");
        struct iovec parts[2] = {[1] = {answer->body, answer->size}};
        return answer_with(c, picked ? 206 : 200, parts, 2);
    }
    if (posted && begins(path, "/rpc", &name) && !name.size) return answer_round_trip(c, body, picks);
    if (!posted && begins(path, "/count", &name)) return answer_count(c);
    if (!posted && begins(path, "/use/", &name)) return use(c, name);
    answer_text(c, 404, "{}");
}

/* Answer the first request if all of it is there: its size, or 0. */
static size_t take(struct connection *c, char *from, size_t size) {
    char *end = memmem(from, size, "\r\n\r\n", 4);
    if (!end) return 0;
    *end = 0; /* so that the head can be searched as a string; it is not looked at again */
    char *length = strcasestr(from, "\r\nContent-Length:");
    struct slice body = {end + 4, length ? strtoul(length + 17, NULL, 10) : 0};
    if (body.text + body.size > from + size) {
        *end = '\r';
        return 0;
    }
    bool posted = !strncmp(from, "POST ", 5);
    char *path = strchr(from, ' ');
    if (!path) return size;
    path++;
    answer(c, posted, (struct slice){path, strcspn(path, " ?")}, body, strcasestr(from, "\r\nKierto-Pick:"));
    return (size_t)(body.text - from) + body.size;
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
    if (got <= 0) return drop(c); /* gone, or a request larger than any that is expected */
    c->received += (size_t)got;
    size_t done = 0, size;
    while (done < c->received && (size = take(c, c->in + done, c->received - done))) done += size;
    c->received -= done;
    memmove(c->in, c->in + done, c->received);
}

static void greet(struct door *door) {
    for (int socket; (socket = accept4(door->socket, NULL, NULL, SOCK_NONBLOCK)) >= 0;) {
        int on = 1;
        setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        struct connection *c = made(calloc(1, sizeof *c));
        *c = (struct connection){.socket = socket, .door = door, .in = made(malloc(REQUEST))};
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
        if (epoll_ctl(poll_fd, EPOLL_CTL_ADD, socket, &event)) die("epoll_ctl");
    }
}

static void open_door(struct door *door) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;
    door->socket = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (door->socket < 0 || bind(door->socket, (void *)&at, size) || listen(door->socket, 512)) die("listen");
    if (getsockname(door->socket, (void *)&at, &size)) die("getsockname");
    struct connection *c = made(calloc(1, sizeof *c));
    c->socket = (int)(door - doors);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    if (epoll_ctl(poll_fd, EPOLL_CTL_ADD, door->socket, &event)) die("epoll_ctl");
    printf("%d ", ntohs(at.sin_port));
}

int main(int argc, char **argv) {
    int wanted = argc == 3 ? atoi(argv[2]) : 0;
    if (wanted < 1 || wanted > DOORS) return fputs("canned FOLDER DOORS\n", stderr), 2;
    signal(SIGPIPE, SIG_IGN);
    load_pages(argv[1]);
    poll_fd = epoll_create1(0);
    for (int i = 0; i < wanted; i++) open_door(&doors[i]);
    puts("");
    fflush(stdout);
    for (struct epoll_event events[EVENTS];;) {
        int ready = epoll_wait(poll_fd, events, EVENTS, -1);
        for (int i = 0; i < ready; i++) {
            struct connection *c = events[i].data.ptr;
            if (!c->door) greet(&doors[c->socket]);
            else {
                if (events[i].events & EPOLLOUT) send_rest(c);
                if (events[i].events & ~(unsigned)EPOLLOUT) receive(c);
            }
        }
    }
}
