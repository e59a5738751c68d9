import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import { sha256Hex } from '../kernel/ids.js'
import { type Clock, systemClock } from '../kernel/time.js'
import { LEAST_RETENTION_MS } from './delta/retention.js'
import type { NewFile } from './delta/table.js'
import { partitionFolder } from './keys.js'
import type { ObjectStore } from './store.js'

/** A Parquet file that lies ready in scratch. */
export interface FinishedFile {
  readonly file: string
  readonly partition: Readonly<Record<string, string>>
  readonly rows: number
  readonly uncompressedBytes: number
  /** Statistics of its columns as the log has them; without, the log tells the number of rows only. */
  readonly stats?: string
  readonly tags?: Readonly<Record<string, string>>
}

const NAME_DIGEST_DIGITS = 24
/**
 * How old a part may be that is used again: far younger than what vacuum takes, which might take it before a commit names it.
 */
const REUSED_PART_MS = LEAST_RETENTION_MS / 2

/** A part's file name as {@link putPart} gives it; vacuum takes no other. */
const PART_NAME = /^part--?\d+-([0-9a-f]{24})\.parquet$/

/**
 * True for the name of a file that {@link putPart} made. Whatever else lies in a table's folder came from somebody else: it may
 * be registered in the table, and is never ours to delete.
 */
export function isOwnPart(key: string): boolean {
  return digestInName(key) !== undefined
}

/** The digest in the name of a part that we named ourselves; undefined for a file that somebody else put there. */
export function digestInName(key: string): string | undefined {
  return PART_NAME.exec(key.slice(key.lastIndexOf('/') + 1))?.[1]
}

/**
 * Moves a finished file into a table's folder. Its name holds the version it was made for and its digest: making
 * the same part again, after a crash for instance, finds the name taken by the same bytes and leaves no second file. Where the
 * old one has lain there for long, vacuum may be about to take it, and the part gets a name of its own.
 * Readers see it only after a commit names it.
 * @param root    the table
 * @param made    upstream version the part was made for
 * @param finished the file is moved, not copied
 */
export async function putPart(
  store: ObjectStore,
  root: string,
  made: number,
  finished: FinishedFile,
  clock: Clock = systemClock,
): Promise<NewFile> {
  const sha256 = await sha256OfFile(finished.file)
  const { size } = await stat(finished.file)
  const folders = Object.entries(finished.partition).map(([column, value]) => partitionFolder(column, value))
  const named = (digest: string) =>
    [...folders, `part-${made}-${digest.slice(0, NAME_DIGEST_DIGITS)}.parquet`].join('/')
  let key = named(sha256)
  for (let digest = sha256; await liesForLong(store, `${root}/${key}`, clock); key = named(digest))
    digest = sha256Hex(digest)
  await store.createIfAbsent(`${root}/${key}`, { file: finished.file })
  const { partition, rows, uncompressedBytes, stats, tags } = finished
  return {
    ...{ key, partition, size, rows, sha256, uncompressedBytes },
    ...(stats ? { stats } : {}),
    ...(tags ? { tags } : {}),
  }
}

async function liesForLong(store: ObjectStore, key: string, clock: Clock): Promise<boolean> {
  const found = await store.stat(key)
  return found !== undefined && clock().getTime() - found.modifiedAt.getTime() > REUSED_PART_MS
}

/** SHA-256 of a file's bytes, hexadecimal, read as a stream. */
export async function sha256OfFile(file: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(file), hash)
  return hash.digest('hex')
}
