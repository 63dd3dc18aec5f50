/* Make one call of a program fail, or all from one on, or kill the program in it.

   Loaded before the C library (LD_PRELOAD). Calls that touch files below a folder are counted
   once `faults_arm` was called; the call whose number is `at` fails with `error`, and in the mode
   "from then on" every later one does that may fail so. Nothing is counted before.

   A short write writes half of the bytes and says so, which the caller must handle. A kill ends
   the process with SIGKILL before the call; inside a write, after half of its bytes. */

#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum { ONCE, ON, SHORT, KILL, KILL_INSIDE };

static char root[PATH_MAX];
static size_t root_length;
static volatile int armed;
static volatile long count, at, fired;
static int mode, error;
static int log_file = -1;

void faults_arm(const char *folder, long call, int with, int how, const char *log_path) {
    strncpy(root, folder, sizeof root - 1);
    root_length = strlen(root);
    at = call, error = with, mode = how, count = 0, fired = 0;
    log_file = log_path && *log_path
        ? (int)syscall(SYS_openat, AT_FDCWD, log_path, O_WRONLY | O_CREAT | O_APPEND, 0600) : -1;
    armed = 1;
}
void faults_disarm(void) { armed = 0; }
long faults_count(void) { return count; }
long faults_fired(void) { return fired; }

static int below(const char *path) {
    return strncmp(path, root, root_length) == 0 &&
           (path[root_length] == '/' || path[root_length] == 0);
}

/* What the calls can say, by kind: an error that a call cannot give is not injected. */
enum { OPEN = 1, READ = 2, WRITE = 4, SYNC = 8, NAME = 16, STAT = 32, LOCK = 64, SIZE = 128 };

static int may_say(int kind) {
    switch (error) {
    case ENOSPC: case EDQUOT: return kind & (OPEN | WRITE | SYNC | NAME | SIZE);
    case EIO: return kind & (OPEN | READ | WRITE | SYNC | NAME | STAT | SIZE);
    case EACCES: case EROFS: return kind & (OPEN | NAME | STAT);
    case ESTALE: return 1;
    case EMFILE: return kind & OPEN;
    case EINTR: return 0;
    case ENOLCK: return kind & LOCK;
    default: return 1;
    }
}

static void note(const char *name, const char *path) {
    char line[PATH_MAX + 64];
    if (log_file < 0) return;
    int length = snprintf(line, sizeof line, "%ld %s %s\n", (long)count, name, path);
    syscall(SYS_write, log_file, line, (size_t)length);
}

/* Return 1 when this call must fail, 2 when it is to be cut or to kill inside. */
static int hit_path(const char *name, const char *path, int kind) {
    if (!armed || path == NULL) return 0;
    char whole[PATH_MAX * 2];
    if (path[0] != '/') {
        char here[PATH_MAX];
        if (!getcwd(here, sizeof here)) return 0;
        snprintf(whole, sizeof whole, "%s/%s", here, path);
        path = whole;
    }
    if (!below(path)) return 0;
    long mine = __sync_add_and_fetch(&count, 1);
    note(name, path);
    if (at == 0) return 0;
    if (mode == KILL && mine == at) raise(SIGKILL);
    if (mode == KILL_INSIDE) return mine == at && kind == WRITE ? 2 : 0;
    if (mode == SHORT) return mine == at && kind == WRITE ? (fired++, 2) : 0;
    if (mode == ONCE ? mine != at : mine < at) return 0;
    if (!may_say(kind)) return 0;
    fired++;
    errno = error;
    return 1;
}

static int hit(const char *name, int fd, int kind) {
    if (!armed) return 0;
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    long length = syscall(SYS_readlinkat, AT_FDCWD, link, path, sizeof path - 1);
    if (length <= 0) return 0;
    path[length] = 0;
    return hit_path(name, path, kind);
}

static int hit_at(const char *name, int folder, const char *path, int kind) {
    if (!armed || path == NULL) return 0;
    if (path[0] == '/' || folder == AT_FDCWD) return hit_path(name, path, kind);
    char link[64], whole[PATH_MAX * 2];
    snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
    long length = syscall(SYS_readlinkat, AT_FDCWD, link, whole, PATH_MAX - 1);
    if (length <= 0) return 0;
    whole[length] = 0;
    strncat(whole, "/", 2);
    strncat(whole, path, PATH_MAX - 1);
    return hit_path(name, whole, kind);
}

#define REAL(result, name, ...)                                   \
    static result (*real)(__VA_ARGS__);                           \
    if (!real) real = (result(*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name)

#define MODE_OF(flags, last)                                      \
    mode_t bits = 0;                                              \
    if ((flags) & (O_CREAT | O_TMPFILE)) {                        \
        va_list more;                                             \
        va_start(more, last);                                     \
        bits = va_arg(more, mode_t);                              \
        va_end(more);                                             \
    }

#define OPENER(name)                                              \
    int name(const char *path, int flags, ...) {                  \
        REAL(int, name, const char *, int, ...);                  \
        MODE_OF(flags, flags)                                     \
        if (hit_path("open", path, OPEN)) return -1;              \
        return real(path, flags, bits);                           \
    }
OPENER(open)
OPENER(open64)

#define OPENER_AT(name)                                           \
    int name(int folder, const char *path, int flags, ...) {      \
        REAL(int, name, int, const char *, int, ...);             \
        MODE_OF(flags, flags)                                     \
        if (hit_at("open", folder, path, OPEN)) return -1;        \
        return real(folder, path, flags, bits);                   \
    }
OPENER_AT(openat)
OPENER_AT(openat64)

FILE *fopen64(const char *path, const char *how) {
    REAL(FILE *, fopen64, const char *, const char *);
    if (hit_path("open", path, OPEN)) return NULL;
    return real(path, how);
}
FILE *fopen(const char *path, const char *how) {
    REAL(FILE *, fopen, const char *, const char *);
    if (hit_path("open", path, OPEN)) return NULL;
    return real(path, how);
}

ssize_t read(int fd, void *to, size_t size) {
    REAL(ssize_t, read, int, void *, size_t);
    return hit("read", fd, READ) == 1 ? -1 : real(fd, to, size);
}

#define POSITIONED_READ(name, offset_type)                        \
    ssize_t name(int fd, void *to, size_t size, offset_type from) { \
        REAL(ssize_t, name, int, void *, size_t, offset_type);    \
        return hit("pread", fd, READ) == 1 ? -1 : real(fd, to, size, from); \
    }
POSITIONED_READ(pread, off_t)
POSITIONED_READ(pread64, off64_t)

static size_t half(size_t size) { return size > 1 ? size / 2 : size; }

ssize_t write(int fd, const void *from, size_t size) {
    REAL(ssize_t, write, int, const void *, size_t);
    switch (hit("write", fd, WRITE)) {
    case 1: return -1;
    case 2: {
        ssize_t done = real(fd, from, half(size));
        if (mode == KILL_INSIDE) raise(SIGKILL);
        return done;
    }
    default: return real(fd, from, size);
    }
}

#define POSITIONED_WRITE(name, offset_type)                       \
    ssize_t name(int fd, const void *from, size_t size, offset_type to) { \
        REAL(ssize_t, name, int, const void *, size_t, offset_type); \
        switch (hit("pwrite", fd, WRITE)) {                       \
        case 1: return -1;                                        \
        case 2: {                                                 \
            ssize_t done = real(fd, from, half(size), to);        \
            if (mode == KILL_INSIDE) raise(SIGKILL);              \
            return done;                                          \
        }                                                         \
        default: return real(fd, from, size, to);                 \
        }                                                         \
    }
POSITIONED_WRITE(pwrite, off_t)
POSITIONED_WRITE(pwrite64, off64_t)

ssize_t writev(int fd, const struct iovec *parts, int number) {
    REAL(ssize_t, writev, int, const struct iovec *, int);
    switch (hit("writev", fd, WRITE)) {
    case 1: return -1;
    case 2: {
        ssize_t done = real(fd, parts, number > 1 ? number / 2 : number);
        if (mode == KILL_INSIDE) raise(SIGKILL);
        return done;
    }
    default: return real(fd, parts, number);
    }
}

ssize_t sendfile(int to, int from, off_t *offset, size_t size) {
    REAL(ssize_t, sendfile, int, int, off_t *, size_t);
    switch (hit("sendfile", to, WRITE)) {
    case 1: return -1;
    case 2: {
        ssize_t done = real(to, from, offset, half(size));
        if (mode == KILL_INSIDE) raise(SIGKILL);
        return done;
    }
    default: return real(to, from, offset, size);
    }
}
ssize_t sendfile64(int to, int from, off64_t *offset, size_t size) {
    return sendfile(to, from, (off_t *)offset, size);
}
ssize_t copy_file_range(int from, off64_t *a, int to, off64_t *b, size_t size, unsigned flags) {
    REAL(ssize_t, copy_file_range, int, off64_t *, int, off64_t *, size_t, unsigned);
    switch (hit("copy_file_range", to, WRITE)) {
    case 1: return -1;
    case 2: {
        ssize_t done = real(from, a, to, b, half(size), flags);
        if (mode == KILL_INSIDE) raise(SIGKILL);
        return done;
    }
    default: return real(from, a, to, b, size, flags);
    }
}

#define ON_FILE(result, name, label, kind, parameters, arguments, ...)  \
    result name parameters {                                      \
        REAL(result, name, __VA_ARGS__);                          \
        return hit(label, fd, kind) == 1 ? -1 : real arguments;   \
    }
ON_FILE(int, fsync, "fsync", SYNC, (int fd), (fd), int)
ON_FILE(int, fdatasync, "fsync", SYNC, (int fd), (fd), int)
ON_FILE(int, ftruncate, "truncate", SIZE, (int fd, off_t size), (fd, size), int, off_t)
ON_FILE(int, ftruncate64, "truncate", SIZE, (int fd, off64_t size), (fd, size), int, off64_t)
ON_FILE(int, fallocate, "allocate", SIZE, (int fd, int how, off_t from, off_t size),
        (fd, how, from, size), int, int, off_t, off_t)
ON_FILE(int, fallocate64, "allocate", SIZE, (int fd, int how, off64_t from, off64_t size),
        (fd, how, from, size), int, int, off64_t, off64_t)
ON_FILE(int, flock, "flock", LOCK, (int fd, int how), (fd, how), int, int)
ON_FILE(int, fstat, "fstat", STAT, (int fd, struct stat *s), (fd, s), int, struct stat *)
ON_FILE(int, fstat64, "fstat", STAT, (int fd, struct stat64 *s), (fd, s), int, struct stat64 *)
ON_FILE(int, fchmod, "chmod", NAME, (int fd, mode_t bits), (fd, bits), int, mode_t)
ON_FILE(int, fchown, "chown", NAME, (int fd, uid_t u, gid_t g), (fd, u, g), int, uid_t, gid_t)

/* These say what went wrong by their result, not in errno. */
int posix_fallocate(int fd, off_t from, off_t size) {
    REAL(int, posix_fallocate, int, off_t, off_t);
    return hit("allocate", fd, SIZE) == 1 ? error : real(fd, from, size);
}
int posix_fallocate64(int fd, off64_t from, off64_t size) {
    REAL(int, posix_fallocate64, int, off64_t, off64_t);
    return hit("allocate", fd, SIZE) == 1 ? error : real(fd, from, size);
}

#define ON_PATH(result, failure, name, label, kind, parameters, arguments, ...)  \
    result name parameters {                                      \
        REAL(result, name, __VA_ARGS__);                          \
        return hit_path(label, path, kind) == 1 ? failure : real arguments; \
    }
ON_PATH(int, -1, stat, "stat", STAT, (const char *path, struct stat *s), (path, s),
        const char *, struct stat *)
ON_PATH(int, -1, stat64, "stat", STAT, (const char *path, struct stat64 *s), (path, s),
        const char *, struct stat64 *)
ON_PATH(int, -1, lstat, "stat", STAT, (const char *path, struct stat *s), (path, s),
        const char *, struct stat *)
ON_PATH(int, -1, lstat64, "stat", STAT, (const char *path, struct stat64 *s), (path, s),
        const char *, struct stat64 *)
ON_PATH(int, -1, access, "access", STAT, (const char *path, int how), (path, how),
        const char *, int)
ON_PATH(int, -1, rename, "rename", NAME, (const char *path, const char *to), (path, to),
        const char *, const char *)
ON_PATH(int, -1, link, "link", NAME, (const char *path, const char *to), (path, to),
        const char *, const char *)
ON_PATH(int, -1, unlink, "unlink", NAME, (const char *path), (path), const char *)
ON_PATH(int, -1, rmdir, "rmdir", NAME, (const char *path), (path), const char *)
ON_PATH(int, -1, mkdir, "mkdir", NAME, (const char *path, mode_t bits), (path, bits),
        const char *, mode_t)
ON_PATH(int, -1, chmod, "chmod", NAME, (const char *path, mode_t bits), (path, bits),
        const char *, mode_t)
ON_PATH(int, -1, truncate, "truncate", SIZE, (const char *path, off_t size), (path, size),
        const char *, off_t)
ON_PATH(int, -1, truncate64, "truncate", SIZE, (const char *path, off64_t size), (path, size),
        const char *, off64_t)
ON_PATH(DIR *, NULL, opendir, "opendir", OPEN, (const char *path), (path), const char *)

#define AT_PATH(name, label, kind, parameters, arguments, ...)    \
    int name parameters {                                         \
        REAL(int, name, __VA_ARGS__);                             \
        return hit_at(label, folder, path, kind) == 1 ? -1 : real arguments; \
    }
AT_PATH(fstatat, "stat", STAT, (int folder, const char *path, struct stat *s, int flags),
        (folder, path, s, flags), int, const char *, struct stat *, int)
AT_PATH(fstatat64, "stat", STAT, (int folder, const char *path, struct stat64 *s, int flags),
        (folder, path, s, flags), int, const char *, struct stat64 *, int)
AT_PATH(renameat, "rename", NAME, (int folder, const char *path, int other, const char *to),
        (folder, path, other, to), int, const char *, int, const char *)
AT_PATH(unlinkat, "unlink", NAME, (int folder, const char *path, int flags),
        (folder, path, flags), int, const char *, int)
AT_PATH(linkat, "link", NAME,
        (int folder, const char *path, int other, const char *to, int flags),
        (folder, path, other, to, flags), int, const char *, int, const char *, int)
AT_PATH(mkdirat, "mkdir", NAME, (int folder, const char *path, mode_t bits),
        (folder, path, bits), int, const char *, mode_t)
