/* What a speed measurement is compared with: a server in C that plays no game.

   epoll BYTES
   
   Says its port, shows everyone a view of so many bytes 20 times a second, and reads what comes. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define MOST 20000
#define HERTZ 20

static int players[MOST], count;

static void show(unsigned char *view, uint32_t size)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    uint64_t tick = now.tv_sec * HERTZ + now.tv_nsec / (1000000000 / HERTZ);
    memcpy(view + 5, &tick, 8);
    for (int i = 0; i < count; i++)
        if (send(players[i], view, size, MSG_NOSIGNAL) < 0)
            continue;
}

int main(int argc, char **argv)
{
    uint32_t size = argc > 1 ? atoi(argv[1]) : 385, length = size - 4;
    unsigned char *view = calloc(1, size), heard[4096];
    memcpy(view, &length, 4);
    view[4] = 2;
    int door = socket(AF_INET, SOCK_STREAM, 0), epoll = epoll_create1(0), on = 1;
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t long_ = sizeof here;
    bind(door, (struct sockaddr *)&here, sizeof here);
    listen(door, 4096);
    getsockname(door, (struct sockaddr *)&here, &long_);
    printf("%d\n", ntohs(here.sin_port));
    fflush(stdout);
    int timer = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK);
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    struct itimerspec beat = {{0, 1000000000 / HERTZ}, {now.tv_sec + 1, 0}};
    timerfd_settime(timer, TFD_TIMER_ABSTIME, &beat, NULL);
    struct epoll_event events[512], one = {.events = EPOLLIN, .data.fd = door};
    epoll_ctl(epoll, EPOLL_CTL_ADD, door, &one);
    one.data.fd = timer;
    epoll_ctl(epoll, EPOLL_CTL_ADD, timer, &one);
    for (;;) {
        int ready = epoll_wait(epoll, events, 512, -1);
        for (int i = 0; i < ready; i++) {
            int fd = events[i].data.fd;
            if (fd == timer) {
                uint64_t beats;
                if (read(timer, &beats, 8) == 8)
                    show(view, size);
            } else if (fd == door) {
                one.data.fd = players[count++] = accept(door, NULL, NULL);
                setsockopt(one.data.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
                fcntl(one.data.fd, F_SETFL, O_NONBLOCK);
                epoll_ctl(epoll, EPOLL_CTL_ADD, one.data.fd, &one);
            } else if (recv(fd, heard, sizeof heard, 0) == 0)
                return 0; /* the players are gone: it was one measurement */
        }
    }
}
