#pragma once

#include <cstring>
#include <new>
#include <string>
#include <string_view>

#include <sqlite3.h>

/// Stands between SQLite and the file system for as long as it lives, and fails what it is told to.
class faulty_vfs {
 public:
  enum class operation { none, write, sync, map_shared };

  faulty_vfs() : real_{sqlite3_vfs_find(nullptr)}, vfs_{*real_} {
    vfs_.zName = "troupe-faulty";
    vfs_.szOsFile = static_cast<int>(sizeof(file)) + real_->szOsFile;
    vfs_.pAppData = this;
    vfs_.xOpen = open;
    sqlite3_vfs_register(&vfs_, 1);
  }
  ~faulty_vfs() {
    sqlite3_vfs_unregister(&vfs_);
    sqlite3_vfs_register(real_, 1);
  }
  faulty_vfs(const faulty_vfs&) = delete;
  faulty_vfs& operator=(const faulty_vfs&) = delete;

  /// From now on, lets `after` such operations on files whose names end so pass and fails the next `times` ones.
  void fail(operation what, std::string_view suffix, int result, int times = 1'000'000, int after = 0) {
    failing_ = what;
    suffix_ = suffix;
    result_ = result;
    times_ = times;
    after_ = after;
  }
  void heal() { failing_ = operation::none; }

  /// Whether databases can be opened for reading only.
  void set_read_only(bool on) { is_read_only_ = on; }

  [[nodiscard]] int failures() const noexcept { return failures_; }

 private:
  struct file {
    sqlite3_file base;
    faulty_vfs* owner;
    const char* name;

    [[nodiscard]] sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
  };

  static file& of(sqlite3_file* f) { return *reinterpret_cast<file*>(f); }
  static sqlite3_file* real(sqlite3_file* f) { return of(f).real(); }

  [[nodiscard]] bool hits(operation what, const char* name) {
    if (what != failing_ || name == nullptr || !std::string_view{name}.ends_with(suffix_)) return false;
    if (after_ > 0) {
      --after_;
      return false;
    }
    if (times_ == 0) return false;
    --times_;
    ++failures_;
    return true;
  }

  static int open(sqlite3_vfs* vfs, const char* name, sqlite3_file* at, int flags, int* out_flags) {
    auto* const self = static_cast<faulty_vfs*>(vfs->pAppData);
    file& opened = *new (at) file{{nullptr}, self, name};
    if (self->is_read_only_ && (flags & SQLITE_OPEN_MAIN_DB) != 0) {
      flags = (flags & ~(SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE)) | SQLITE_OPEN_READONLY;
    }
    const int result = self->real_->xOpen(self->real_, name, opened.real(), flags, out_flags);
    if (opened.real()->pMethods != nullptr) opened.base.pMethods = &methods;
    return result;
  }

  static int close(sqlite3_file* f) { return real(f)->pMethods->xClose(real(f)); }
  static int read(sqlite3_file* f, void* to, int size, sqlite3_int64 at) {
    return real(f)->pMethods->xRead(real(f), to, size, at);
  }
  static int write(sqlite3_file* f, const void* from, int size, sqlite3_int64 at) {
    if (of(f).owner->hits(operation::write, of(f).name)) return of(f).owner->result_;
    return real(f)->pMethods->xWrite(real(f), from, size, at);
  }
  static int truncate(sqlite3_file* f, sqlite3_int64 size) { return real(f)->pMethods->xTruncate(real(f), size); }
  static int sync(sqlite3_file* f, int flags) {
    if (of(f).owner->hits(operation::sync, of(f).name)) return of(f).owner->result_;
    return real(f)->pMethods->xSync(real(f), flags);
  }
  static int file_size(sqlite3_file* f, sqlite3_int64* size) { return real(f)->pMethods->xFileSize(real(f), size); }
  static int lock(sqlite3_file* f, int level) { return real(f)->pMethods->xLock(real(f), level); }
  static int unlock(sqlite3_file* f, int level) { return real(f)->pMethods->xUnlock(real(f), level); }
  static int check_reserved(sqlite3_file* f, int* out) { return real(f)->pMethods->xCheckReservedLock(real(f), out); }
  static int control(sqlite3_file* f, int what, void* arg) {
    return real(f)->pMethods->xFileControl(real(f), what, arg);
  }
  static int sector_size(sqlite3_file* f) { return real(f)->pMethods->xSectorSize(real(f)); }
  static int characteristics(sqlite3_file* f) { return real(f)->pMethods->xDeviceCharacteristics(real(f)); }
  static int shared_map(sqlite3_file* f, int page, int size, int extend, void volatile** out) {
    if (extend != 0 && of(f).owner->hits(operation::map_shared, of(f).name)) return of(f).owner->result_;
    return real(f)->pMethods->xShmMap(real(f), page, size, extend, out);
  }
  static int shared_lock(sqlite3_file* f, int at, int n, int flags) {
    return real(f)->pMethods->xShmLock(real(f), at, n, flags);
  }
  static void shared_barrier(sqlite3_file* f) { real(f)->pMethods->xShmBarrier(real(f)); }
  static int shared_unmap(sqlite3_file* f, int remove) { return real(f)->pMethods->xShmUnmap(real(f), remove); }

  static constexpr sqlite3_io_methods methods{
      2,           close,          read,        write,           truncate,   sync,        file_size,
      lock,        unlock,         check_reserved, control,      sector_size, characteristics, shared_map,
      shared_lock, shared_barrier, shared_unmap, nullptr,        nullptr};

  sqlite3_vfs* real_;
  sqlite3_vfs vfs_;
  operation failing_ = operation::none;
  std::string suffix_;
  int result_ = SQLITE_OK;
  int times_ = 0;
  int after_ = 0;
  int failures_ = 0;
  bool is_read_only_ = false;
};
