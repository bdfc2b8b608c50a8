/* Fails the n-th write or sync of a file below SHIM_FOLDER, once or from then on: a disk that gives way. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static long left = 0;
static int code = 0, sticky = 0;

void shim_arm(long n, int error, int on) { left = n; code = error; sticky = on; }

/* Whether the failure is still to come. */
int shim_disarm(void) {
    int pending = left > 0;
    left = 0;
    code = 0;
    return pending;
}

static int fails(int fd) {
    char link[64], path[4096];
    const char *folder = getenv("SHIM_FOLDER");
    ssize_t length;
    if (!code || !folder) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    if (strncmp(path, folder, strlen(folder)) != 0) return 0;
    if (left > 0 && --left > 0) return 0;
    errno = code;
    if (!sticky) code = 0;
    return 1;
}

#define WRAP(result, name, parameters, arguments, fd)                                   \
    result name parameters {                                                            \
        static result(*real) parameters;                                                \
        if (!real) real = (result(*) parameters)dlsym(RTLD_NEXT, #name);                \
        return fails(fd) ? -1 : real arguments;                                         \
    }

WRAP(ssize_t, write, (int fd, const void *b, size_t n), (fd, b, n), fd)
WRAP(ssize_t, pwrite, (int fd, const void *b, size_t n, off_t o), (fd, b, n, o), fd)
WRAP(ssize_t, pwrite64, (int fd, const void *b, size_t n, off64_t o), (fd, b, n, o), fd)
WRAP(int, fsync, (int fd), (fd), fd)
WRAP(int, fdatasync, (int fd), (fd), fd)
WRAP(int, ftruncate, (int fd, off_t n), (fd, n), fd)
WRAP(int, ftruncate64, (int fd, off64_t n), (fd, n), fd)
