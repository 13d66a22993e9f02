// As much of IndexedDB as the client uses: records are cloned in and out, transactions are atomic, and things fail as
// browsers let them.

export class FakeIndexedDb {
  /** By name: `{stores: Map<name, {keyPath, records: Map}>}`. */
  databases = new Map();
  /** How many are open. */
  connections = 0;
  /** What fails: "open", "open-throws", "transaction", "clone", "commit". */
  failing = null;

  open(name, version) {
    if (this.failing === "open-throws") throw new DOMException("The operation is insecure.", "SecurityError");
    const request = {};
    setImmediate(() => {
      if (this.failing === "open") {
        request.error = new DOMException("A mutation operation was attempted.", "InvalidStateError");
        return request.onerror?.();
      }
      this.connections++;
      const isNew = !this.databases.has(name);
      if (isNew) this.databases.set(name, { version, stores: new Map() });
      request.result = this.#connection(this.databases.get(name));
      if (isNew) request.onupgradeneeded?.();
      setImmediate(() => request.onsuccess?.());
    });
    return request;
  }

  #connection(database) {
    return {
      close: () => void this.connections--,
      createObjectStore: (name, { keyPath }) => void database.stores.set(name, { keyPath, records: new Map() }),
      transaction: (name, mode) => this.#transaction(database.stores.get(name), mode),
    };
  }

  #transaction(store, mode) {
    if (this.failing === "transaction") throw new DOMException("The database connection is closing.", "InvalidStateError");
    const changed = new Map(store.records);
    const transaction = { error: null };
    const run = (work) => {
      const request = { error: null };
      setImmediate(() => {
        if (this.failing === "commit") {
          transaction.error = new DOMException("no space", "QuotaExceededError");
          return transaction.onabort?.();
        }
        request.result = work();
        request.onsuccess?.();
        setImmediate(() => {
          if (mode === "readwrite") store.records = changed;
          transaction.oncomplete?.();
        });
      });
      return request;
    };
    const mustWrite = () => {
      if (mode !== "readwrite") throw new DOMException("read only", "ReadOnlyError");
    };
    transaction.objectStore = () => ({
      get: (key) => run(() => structuredClone(changed.get(key))),
      put: (value) => {
        mustWrite();
        if (this.failing === "clone") throw new DOMException("could not be cloned", "DataCloneError");
        const cloned = structuredClone(value);
        return run(() => changed.set(cloned[store.keyPath], cloned));
      },
      delete: (key) => (mustWrite(), run(() => changed.delete(key))),
    });
    return transaction;
  }
}
