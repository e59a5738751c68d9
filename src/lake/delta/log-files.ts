const VERSION_DIGITS = 20
const PART_DIGITS = 10

/** A checkpoint by its version and the number of its files: 1, or more where another writer split it. */
export interface CheckpointName {
  readonly version: number
  readonly parts: number
}

/** What a file of the log is, by its name. */
export type LogFile =
  | { readonly kind: 'commit'; readonly version: number }
  | { readonly kind: 'checkpoint'; readonly version: number; readonly part: number; readonly parts: number }
  | { readonly kind: 'v2-checkpoint'; readonly version: number }

/** Prefix of everything in a table's log. */
export function logPrefix(root: string): string {
  return `${root}/_delta_log/`
}

/** Key of a commit. */
export function commitKey(root: string, version: number): string {
  return `${logPrefix(root)}${digits(version)}.json`
}

/** Keys of a checkpoint's files, in their order. */
export function checkpointKeys(root: string, { version, parts }: CheckpointName): string[] {
  const begin = `${logPrefix(root)}${digits(version)}.checkpoint`
  if (parts === 1) return [`${begin}.parquet`]
  const number = (part: number) => String(part).padStart(PART_DIGITS, '0')
  return Array.from({ length: parts }, (_, index) => `${begin}.${number(index + 1)}.${number(parts)}.parquet`)
}

/** Key of the hint that names the newest checkpoint; it may be missing, late or wrong. */
export function lastCheckpointKey(root: string): string {
  return `${logPrefix(root)}_last_checkpoint`
}

const COMMIT = /\/(\d{20})\.json$/
const CHECKPOINT = /\/(\d{20})\.checkpoint(?:\.(\d{10})\.(\d{10}))?\.parquet$/
const V2_CHECKPOINT = /\/(\d{20})\.checkpoint\.[0-9a-f-]{36}\.(?:json|parquet)$/

/** What a key of the log names; undefined for what is neither a commit nor a checkpoint. */
export function parseLogKey(key: string): LogFile | undefined {
  const commit = COMMIT.exec(key)
  if (commit) return { kind: 'commit', version: Number(commit[1]) }
  const checkpoint = CHECKPOINT.exec(key)
  if (checkpoint) {
    const [, version, part = '1', parts = '1'] = checkpoint
    return { kind: 'checkpoint', version: Number(version), part: Number(part), parts: Number(parts) }
  }
  const v2 = V2_CHECKPOINT.exec(key)
  return v2 ? { kind: 'v2-checkpoint', version: Number(v2[1]) } : undefined
}

function digits(version: number): string {
  return String(version).padStart(VERSION_DIGITS, '0')
}
