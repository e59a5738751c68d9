/** What a listing says about one object. */
export interface ObjectInfo {
  /** Key relative to the store's base path, parts separated by `/`. */
  readonly key: string
  /** Size in bytes. */
  readonly size: number
  readonly modifiedAt: Date
}

/** What to store: bytes, or a local file that may be moved into place (it must not be changed afterwards). */
export type Content = Uint8Array | { readonly file: string }

/** A local file that holds an object, for engines which read files only; `release` it when done. */
export interface StagedFile {
  readonly file: string
  release(): Promise<void>
}

/**
 * Where a lake keeps its bytes: a folder, or a bucket with a prefix. Every adapter keeps every promise below;
 * `testkit/object-store.contract.ts` proves it.
 *
 * Keys are relative, `/`-separated, without empty, `.` or `..` parts; anything else is WardbookError 'bad-key' (report-bug).
 * A failing disk or service is WardbookError 'store-unavailable' (retry), with the cause.
 */
export interface ObjectStore {
  /** Base path for people and for error messages. */
  readonly address: string

  /** The whole object, or undefined when there is none. */
  get(key: string): Promise<Uint8Array | undefined>

  /**
   * Bytes [from, to) of an object, fewer when it ends before `to`; undefined when there is no object.
   * @param from first byte, from 0
   * @param to   byte after the last
   */
  getRange(key: string, from: number, to: number): Promise<Uint8Array | undefined>

  /** Size and time of an object without its bytes, or undefined. */
  stat(key: string): Promise<ObjectInfo | undefined>

  /**
   * Stores the object if the name is free; of any number of callers exactly one is told 'created'.
   * When it returns, the object is durable; no reader ever sees a part of it. The only conditional write there is.
   *
   * One exception, of services that ignore the condition when a multipart upload is completed (radosgw 16): of racers with files
   * above `multipartBytes` (`s3/settings.ts`), more than one may be told 'created', and the last one's object stands. So a caller gives
   * bytes where the order of names is a protocol (commits, segments), and files only where either racer's object is as right:
   * data files and spooled pages are named by their digest, a checkpoint is a function of its log.
   */
  createIfAbsent(key: string, content: Content): Promise<'created' | 'exists'>

  /** Stores or replaces an object, whole or not at all. Only for hints whose loss or staleness is harmless. */
  put(key: string, bytes: Uint8Array): Promise<void>

  /** Objects whose key starts with the prefix, ascending by UTF-8 bytes of the key, after `startAfter` when given. */
  list(prefix: string, startAfter?: string): AsyncIterable<ObjectInfo>

  /** Removes an object; removing what is not there is no error. */
  delete(key: string): Promise<void>

  /** A local file with the object's bytes: the object itself where the store is a folder. @throws 'object-missing' (retry) */
  stage(key: string): Promise<StagedFile>

  /** A new, empty local folder for intermediate files, on the volume that {@link createIfAbsent} moves files from. */
  scratch(): Promise<Scratch>
}

/** Somebody else's files, which are only ever read: listed and staged. */
export type Originals = Pick<ObjectStore, 'address' | 'list' | 'stage'>

/** A temporary folder; what a killed process leaves is swept when the store is opened again. */
export interface Scratch {
  readonly folder: string
  remove(): Promise<void>
}
