/* A slow disk for the files below SLOW_FOLDER: reading or mapping them takes SLOW_BYTES_PER_SECOND.
   Loaded before the C library (LD_PRELOAD), so that all that a process reads goes through it, whoever reads. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

static void wait_for(int fd, double bytes) {
    const char *folder = getenv("SLOW_FOLDER"), *rate = getenv("SLOW_BYTES_PER_SECOND");
    char link[64], path[PATH_MAX];
    if (fd < 0 || bytes <= 0 || !folder || !rate) return;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return;
    path[length] = 0;
    if (strncmp(path, folder, strlen(folder)) != 0) return;
    double seconds = bytes / atof(rate);
    struct timespec pause = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};
    nanosleep(&pause, NULL);
}

ssize_t read(int fd, void *buffer, size_t count) {
    ssize_t (*real)(int, void *, size_t) = dlsym(RTLD_NEXT, "read");
    ssize_t done = real(fd, buffer, count);
    wait_for(fd, (double)done);
    return done;
}

ssize_t pread(int fd, void *buffer, size_t count, off_t offset) {
    ssize_t (*real)(int, void *, size_t, off_t) = dlsym(RTLD_NEXT, "pread");
    ssize_t done = real(fd, buffer, count, offset);
    wait_for(fd, (double)done);
    return done;
}

ssize_t pread64(int fd, void *buffer, size_t count, off64_t offset) {
    ssize_t (*real)(int, void *, size_t, off64_t) = dlsym(RTLD_NEXT, "pread64");
    ssize_t done = real(fd, buffer, count, offset);
    wait_for(fd, (double)done);
    return done;
}

void *mmap(void *place, size_t length, int protection, int flags, int fd, off_t offset) {
    void *(*real)(void *, size_t, int, int, int, off_t) = dlsym(RTLD_NEXT, "mmap");
    wait_for(fd, (double)length);
    return real(place, length, protection, flags, fd, offset);
}

void *mmap64(void *place, size_t length, int protection, int flags, int fd, off64_t offset) {
    void *(*real)(void *, size_t, int, int, int, off64_t) = dlsym(RTLD_NEXT, "mmap64");
    wait_for(fd, (double)length);
    return real(place, length, protection, flags, fd, offset);
}
