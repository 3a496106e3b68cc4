/* Makes the disk fail below one folder: preloaded in front of libc by test_disk.py.

   FAULT_BELOW=/path  FAULT_OP=write|fsync|rename|link|create|truncate|remove|read  FAULT_NTH=3
   FAULT_ERRNO=5      what the call fails with; 0 with FAULT_OP=write or read: half of it is done
   FAULT_STICKY=1     every such call from then on, as on a full disk
   FAULT_LOG=/file    a line a call: op, path, whether it was failed

   Read when the first call below the folder comes, so that a forked child can be given its own. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define REAL(name) ({ static __typeof__(&name) found; if (!found) found = dlsym(RTLD_NEXT, #name); found; })

enum { PASS, FAIL, HALF };
static atomic_int met;

static int below(const char *path) {
    const char *prefix = getenv("FAULT_BELOW");
    return prefix && path && !strncmp(path, prefix, strlen(prefix));
}

static int decide_path(const char *op, const char *path) {
    if (!below(path)) return PASS;
    const char *wanted = getenv("FAULT_OP"), *nth = getenv("FAULT_NTH"), *log = getenv("FAULT_LOG");
    const char *number = getenv("FAULT_ERRNO"), *sticky = getenv("FAULT_STICKY");
    int fault = PASS;
    if (wanted && nth && !strcmp(wanted, op)) {
        int now = atomic_fetch_add(&met, 1) + 1, from = atoi(nth);
        if (from && (now == from || (sticky && now > from))) fault = number && atoi(number) ? FAIL : HALF;
    }
    if (log) {
        char line[4300];
        int length = snprintf(line, sizeof line, "%s %s %d\n", op, path, fault);
        int file = syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND, 0644);
        if (file >= 0) { syscall(SYS_write, file, line, length); syscall(SYS_close, file); }
    }
    if (fault == FAIL) errno = atoi(number);
    return fault;
}

static int decide(const char *op, int descriptor) {
    if (!getenv("FAULT_BELOW")) return PASS;
    char link[40], path[4100];
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = syscall(SYS_readlinkat, AT_FDCWD, link, path, sizeof path - 1);
    if (length < 0) return PASS;
    path[length] = 0;
    return decide_path(op, path);
}

/* A call that takes a descriptor and a size: failed, halved or passed on. */
#define SIZED(op, type, name, signature, size, ...)                 \
    type name signature {                                           \
        int fault = decide(op, descriptor);                         \
        if (fault == FAIL) return -1;                               \
        if (fault == HALF && size > 1) size /= 2;                   \
        return REAL(name)(__VA_ARGS__);                             \
    }
/* A call on a descriptor, or on a path, that is failed or passed on. */
#define ON(op, name, signature, ...)                                \
    int name signature {                                            \
        if (decide(op, descriptor) != PASS) return -1;              \
        return REAL(name)(__VA_ARGS__);                             \
    }
#define AT(op, name, signature, path, ...)                          \
    int name signature {                                            \
        if (decide_path(op, path) != PASS) return -1;               \
        return REAL(name)(__VA_ARGS__);                             \
    }

SIZED("write", ssize_t, write, (int descriptor, const void *from, size_t size), size, descriptor, from, size)
SIZED("write", ssize_t, pwrite, (int descriptor, const void *from, size_t size, off_t at), size, descriptor, from, size, at)
SIZED("write", ssize_t, pwrite64, (int descriptor, const void *from, size_t size, off64_t at), size, descriptor, from, size, at)
SIZED("write", ssize_t, writev, (int descriptor, const struct iovec *from, int count), count, descriptor, from, count)
SIZED("write", ssize_t, sendfile, (int descriptor, int source, off_t *at, size_t size), size, descriptor, source, at, size)
SIZED("write", ssize_t, sendfile64, (int descriptor, int source, off64_t *at, size_t size), size, descriptor, source, at, size)
SIZED("write", ssize_t, copy_file_range, (int source, off64_t *a, int descriptor, off64_t *b, size_t size, unsigned flags), size, source, a, descriptor, b, size, flags)
SIZED("read", ssize_t, read, (int descriptor, void *to, size_t size), size, descriptor, to, size)
SIZED("read", ssize_t, pread, (int descriptor, void *to, size_t size, off_t at), size, descriptor, to, size, at)
SIZED("read", ssize_t, pread64, (int descriptor, void *to, size_t size, off64_t at), size, descriptor, to, size, at)

/* What C's own streams write does not come through write(); NumPy writes arrays so. */
size_t fwrite(const void *from, size_t size, size_t count, FILE *stream) {
    int fault = stream ? decide("write", fileno(stream)) : PASS;
    if (fault == FAIL) return 0;
    return REAL(fwrite)(from, size, fault == HALF ? count / 2 : count, stream);
}

ON("fsync", fsync, (int descriptor), descriptor)
ON("fsync", fdatasync, (int descriptor), descriptor)
ON("truncate", ftruncate, (int descriptor, off_t size), descriptor, size)
ON("truncate", ftruncate64, (int descriptor, off64_t size), descriptor, size)
ON("truncate", fallocate, (int descriptor, int mode, off_t from, off_t size), descriptor, mode, from, size)
ON("truncate", fallocate64, (int descriptor, int mode, off64_t from, off64_t size), descriptor, mode, from, size)

AT("rename", rename, (const char *from, const char *to), to, from, to)
AT("rename", renameat, (int a, const char *from, int b, const char *to), to, a, from, b, to)
AT("rename", renameat2, (int a, const char *from, int b, const char *to, unsigned flags), to, a, from, b, to, flags)
AT("link", link, (const char *from, const char *to), to, from, to)
AT("link", linkat, (int a, const char *from, int b, const char *to, int flags), to, a, from, b, to, flags)
AT("create", mkdir, (const char *path, mode_t mode), path, path, mode)
AT("create", mkdirat, (int folder, const char *path, mode_t mode), path, folder, path, mode)
AT("remove", unlink, (const char *path), path, path)

static int makes(const char *path, int flags) {
    return flags & O_CREAT && syscall(SYS_faccessat, AT_FDCWD, path, F_OK) != 0;
}

/* Opening a file that is made by it. */
#define OPEN(name, signature, last, ...)                            \
    int name signature {                                            \
        va_list more;                                               \
        va_start(more, last);                                       \
        mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0; \
        va_end(more);                                               \
        if (makes(path, flags) && decide_path("create", path) != PASS) return -1; \
        return REAL(name)(__VA_ARGS__, mode);                       \
    }
OPEN(open, (const char *path, int flags, ...), flags, path, flags)
OPEN(open64, (const char *path, int flags, ...), flags, path, flags)
OPEN(openat, (int folder, const char *path, int flags, ...), flags, folder, path, flags)
OPEN(openat64, (int folder, const char *path, int flags, ...), flags, folder, path, flags)
