import type { DatasetConfig } from '../../contracts/city-file.js'
import { UNASSIGNED } from '../../contracts/columns.js'

/** How Hive and all who follow it write a folder for rows without a value. */
const NO_VALUE = '__HIVE_DEFAULT_PARTITION__'
const PARQUET_NAME = /\.(parquet|parq|pq)$/i

/** One folder `key=value` of a file's path, decoded; null where it stands for no value. */
export interface FolderValue {
  readonly key: string
  readonly value: string | null
}

/** What a name below the folder is: data, something that writers leave beside data, or neither. */
export function kindOfFile(path: string): 'data' | 'hidden' | 'other' {
  // Hadoop's convention: names that begin with `_` or `.` are not data, unless they are a folder's `key=value`.
  if (path.split('/').some((part) => /^[_.]/.test(part) && !part.includes('='))) return 'hidden'
  return PARQUET_NAME.test(path) ? 'data' : 'other'
}

/** The folders `key=value` of a path, outermost first. Names of files are none, whatever they contain. */
export function foldersOf(path: string): FolderValue[] {
  return path
    .split('/')
    .slice(0, -1)
    .flatMap((part) => {
      const at = part.indexOf('=')
      return at <= 0 ? [] : [{ key: decode(part.slice(0, at)), value: publishedValue(part.slice(at + 1)) }]
    })
}

function publishedValue(written: string): string | null {
  return written === NO_VALUE || written === '' ? null : decode(written)
}

/** Writers encode what paths cannot hold as `%XX` of UTF-8; what is no such encoding stands for itself. */
function decode(written: string): string {
  return written.replace(/(?:%[0-9A-Fa-f]{2})+/g, (run) => {
    try {
      return decodeURIComponent(run)
    } catch {
      return run
    }
  })
}

/** The division of a published value, as ingestion has it: without outer blanks, or what the city file says it means. */
export function divisionOf(published: string | null, values: DatasetConfig['partition']['values']): string {
  const text = (published ?? '').replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, '')
  if (text === '') return UNASSIGNED
  return Object.hasOwn(values, text) ? (values[text] as string) : text
}
