/* All the players of a speed measurement, in one process that costs little.

   load HOST PORT SECONDS INPUTS_PER_S WEBSOCKET

   Reads from its input one line for each player: the bytes with which its connection begins, in
   hex; "-" for none; over a WebSocket the request, a blank, and what comes after its answer. An
   empty line says that all are there. It waits until everyone is shown something or was sent
   away, says "begun", counts for SECONDS, and says what came:

   views, bytes, inputs, lateness in ms (p50, p99, p99.9, most), milliseconds between a player's
   views (p99, most), players who were cut off

   A frame is length:u32le kind:u8 body (over a WebSocket without the length); kind 2 is a view and
   begins with its tick:u64le, of which there are 20 a second since the epoch. See
   docs/protocol.md. WEBSOCKET is 1, or 2 for rooms of Colyseus: there 10 lets a player in, who says
   10, too, and 15 is what has changed, at the latest 20th of a second. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#define MOST 20000
#define HERTZ 20.0
#define BINS 200000 /* hundredths of a millisecond: up to two seconds */
#define ROOM 65536

struct player {
    int fd;
    int shaken;        /* whether the HTTP answer is over, over a WebSocket */
    uint32_t held;     /* bytes of a frame that is not complete */
    uint32_t seq;
    double seen_at;
    unsigned char *kept;
    char *then;        /* what it says after the HTTP answer, in hex */
};

static struct player players[MOST];
static int count, web, rooms, counting, cut;
static uint64_t views, bytes, inputs;
static uint32_t late[BINS + 1], gaps[BINS + 1];

static double seconds(clockid_t which)
{
    struct timespec now;
    clock_gettime(which, &now);
    return now.tv_sec + now.tv_nsec / 1e9;
}

static void note(uint32_t *bins, double s)
{
    double bin = s < 0 ? 0 : s * 1e5;
    bins[bin > BINS ? BINS : (uint32_t)bin]++;
}

static double quantile(const uint32_t *bins, double share)
{
    uint64_t all = 0, passed = 0;
    for (int i = 0; i <= BINS; i++)
        all += bins[i];
    for (int i = 0; i <= BINS; i++)
        if ((passed += bins[i]) >= all * share && passed)
            return i / 100.0;
    return 0;
}

static void viewed(struct player *one, const unsigned char *frame, uint32_t size)
{
    static const unsigned char enter[7] = {0x82, 0x81, 0, 0, 0, 0, 10};
    uint64_t tick;
    if (rooms && frame[0] == 10)
        send(one->fd, enter, sizeof enter, MSG_NOSIGNAL);
    if (rooms ? frame[0] != 15 : frame[0] != 2 || size < 9)
        return;
    double now = seconds(CLOCK_MONOTONIC);
    if (counting) {
        memcpy(&tick, frame + 1, 8);
        if (rooms)
            tick = seconds(CLOCK_REALTIME) * HERTZ;
        note(late, seconds(CLOCK_REALTIME) - tick / HERTZ);
        if (one->seen_at)
            note(gaps, now - one->seen_at);
        views++;
        bytes += size;
    }
    one->seen_at = now;
}

/* Sends what is written in hex, up to a blank. */
static const char *say(struct player *one, const char *hex)
{
    static unsigned char said[8192];
    uint32_t size = 0;
    for (; hex[0] != '-' && hex[0] > ' ' && size < sizeof said; hex += 2, size++)
        sscanf(hex, "%2hhx", &said[size]);
    if (size && send(one->fd, said, size, MSG_NOSIGNAL) != (ssize_t)size)
        perror("send"), exit(1);
    return hex;
}

/* Answers how many bytes of the buffer are used up by its first frame, 0 if it is not complete. */
static uint32_t frame(struct player *one, const unsigned char *at, uint32_t size)
{
    uint32_t head = 4, body;
    if (web && !one->shaken) {
        const unsigned char *end = memmem(at, size, "\r\n\r\n", 4);
        one->shaken = end != NULL;
        if (end)
            say(one, one->then);
        return end ? (uint32_t)(end + 4 - at) : 0;
    }
    if (!web) {
        if (size < 4)
            return 0;
        memcpy(&body, at, 4);
    } else {
        if (size < 4)
            return 0;
        body = at[1] & 127;
        head = 2;
        if (body == 126)
            body = at[2] << 8 | at[3], head = 4;
        else if (body == 127)
            exit(3); /* nothing so large is shown */
    }
    if (size < head + body)
        return 0;
    if (body && (!web || (at[0] & 15) == 2))
        viewed(one, at + head, body);
    return head + body;
}

static void hear(struct player *one)
{
    static unsigned char buffer[ROOM * 2];
    memcpy(buffer, one->kept, one->held);
    ssize_t got = recv(one->fd, buffer + one->held, ROOM, 0);
    if (got <= 0) {
        if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
            close(one->fd);
            one->fd = -1;
            cut++;
        }
        return;
    }
    uint32_t size = one->held + got, at = 0, used;
    while ((used = frame(one, buffer + at, size - at)))
        at += used;
    one->held = size - at;
    if (one->held > ROOM)
        exit(4);
    memcpy(one->kept, buffer + at, one->held);
}

static void act(struct player *one)
{
    unsigned char said[32], body[14] = {1};
    uint32_t seq = ++one->seq, length = sizeof body;
    float towards[2] = {(float)(rand() % 9 - 4), (float)(rand() % 9 - 4)};
    memcpy(body + 1, &seq, 4);
    body[5] = 1;
    memcpy(body + 6, towards, 8);
    if (rooms)
        body[0] = 17, body[1] = 1; /* bytes, of the first type */
    uint32_t head = 4;
    if (web) { /* masked with nothing, which is a mask too */
        unsigned char start[6] = {0x82, 0x80 | sizeof body};
        memcpy(said, start, head = 6);
    } else
        memcpy(said, &length, 4);
    memcpy(said + head, body, sizeof body);
    if (one->fd >= 0 && send(one->fd, said, head + sizeof body, MSG_NOSIGNAL) > 0)
        inputs++;
}

static void join(int epoll, const struct sockaddr_in *where, const char *hex)
{
    struct player *one = &players[count];
    int on = 1;
    one->kept = malloc(ROOM + 1);
    one->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(one->fd, (const struct sockaddr *)where, sizeof *where))
        perror("connect"), exit(1);
    setsockopt(one->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    one->then = strdup(say(one, hex) + web);
    fcntl(one->fd, F_SETFL, O_NONBLOCK);
    struct epoll_event wanted = {.events = EPOLLIN, .data.u32 = count++};
    epoll_ctl(epoll, EPOLL_CTL_ADD, one->fd, &wanted);
}

int main(int argc, char **argv)
{
    if (argc != 6)
        return 2;
    struct sockaddr_in where = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[2]))};
    inet_pton(AF_INET, argv[1], &where.sin_addr);
    double lasts = atof(argv[3]), per_s = atof(argv[4]), due = 0, until = 0;
    rooms = atoi(argv[5]) == 2;
    web = atoi(argv[5]) > 0;
    int epoll = epoll_create1(0), all_there = 0, turn = 0;
    struct epoll_event events[512], stdin_wanted = {.events = EPOLLIN, .data.u32 = MOST};
    static char line[20000];
    epoll_ctl(epoll, EPOLL_CTL_ADD, 0, &stdin_wanted);
    setvbuf(stdin, NULL, _IONBF, 0);
    for (;;) {
        int ready = epoll_wait(epoll, events, 512, 1);
        for (int i = 0; i < ready; i++) {
            if (events[i].data.u32 < MOST) {
                if (players[events[i].data.u32].fd >= 0)
                    hear(&players[events[i].data.u32]);
            } else if (!fgets(line, sizeof line, stdin))
                return 1;
            else if (line[0] == '\n') {
                all_there = 1;
                epoll_ctl(epoll, EPOLL_CTL_DEL, 0, NULL);
            } else
                join(epoll, &where, line);
        }
        double now = seconds(CLOCK_MONOTONIC);
        if (count && per_s > 0) {
            if (due == 0 || now - due > 1)
                due = now;
            for (; due < now; due += 1 / (per_s * count)) {
                struct player *one = &players[turn++ % count];
                if (one->seen_at) /* who is shown something has been let in */
                    act(one);
            }
        }
        if (all_there && !counting) {
            int shown = 0;
            for (int i = 0; i < count; i++)
                shown += players[i].seen_at > 0 || players[i].fd < 0; /* or was sent away */
            if (shown == count && !until)
                until = now + 2; /* all are there: let it settle */
            if (until && now > until) {
                counting = 1;
                inputs = 0;
                until = now + lasts;
                printf("begun\n");
                fflush(stdout);
            }
        } else if (counting && now > until) {
            printf("%lu %lu %lu %.2f %.2f %.2f %.2f %.2f %.2f %d\n", views, bytes, inputs,
                   quantile(late, .5), quantile(late, .99), quantile(late, .999),
                   quantile(late, 1), quantile(gaps, .99), quantile(gaps, 1), cut);
            return 0;
        }
    }
}
