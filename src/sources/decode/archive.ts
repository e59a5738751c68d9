import { crc32 } from 'node:zlib'
import yauzl, { type Entry, type ZipFile } from 'yauzl'
import { WardbookError } from '../../kernel/errors.js'
import type { PageBody } from './decoded-page.js'
import { capped, freeName } from './unpack.js'

/** Most members that an archive may list: more are no publication of a table. */
const MAX_MEMBERS = 20_000

/** Names of tables, best first; text files count only where there is nothing else. */
const TABLE_NAMES: readonly RegExp[] = [
  /\.(csv|tsv|psv|json|ndjson|jsonl|geojson|parquet|xlsx)(\.gz)?$/i,
  /\.(txt|tab|dat|zip|gz)$/i,
]

/** True when the bytes begin like zip, whatever the file's name says. */
export function isZip(start: Uint8Array): boolean {
  return start[0] === 0x50 && start[1] === 0x4b && (start[2] === 0x03 || start[2] === 0x05)
}

/** A zip archive: its members by name. */
export interface Archive {
  readonly name: string
  readonly names: readonly string[]
  /** Whether it is a workbook (xlsx). */
  readonly isWorkbook: boolean
  /** A member by its name; undefined when there is none. */
  member(name: string): PageBody | undefined
  /**
   * The member that is the table: the only one that fits the pattern, or without a pattern the only table.
   * @throws WardbookError 'archive-unusable' (fix-source) with all names
   */
  pick(pattern: string | undefined): PageBody
}

/**
 * Opens a zip archive by its directory, so that data descriptors, zip64 and any order of members are read.
 * @param body in a local file
 * @throws WardbookError 'archive-unusable' (fix-source) when the directory is damaged or a member is encrypted
 */
export async function openArchive(body: PageBody, scratch: string): Promise<Archive> {
  const entries = await entriesOf(body)
  const names = [...entries.keys()]
  const member = (name: string) => {
    const entry = entries.get(name)
    return entry === undefined ? undefined : memberBody(body, entry, freeName(scratch))
  }
  return {
    name: body.name,
    names,
    isWorkbook: entries.has('xl/workbook.xml') && entries.has('[Content_Types].xml'),
    member,
    pick: (pattern) => member(pickName(body.name, names, pattern)) as PageBody,
  }
}

function pickName(file: string, names: readonly string[], pattern: string | undefined): string {
  const visible = names.filter((name) => !/(^|\/)(__MACOSX\/|\.)/.test(name))
  const fitting = pattern === undefined ? tablesAmong(visible) : visible.filter((name) => fits(name, pattern))
  if (fitting.length === 1) return fitting[0] as string
  const what = pattern === undefined ? 'tables' : `members that fit '${pattern}'`
  const message =
    `${file} holds ${fitting.length} ${what}: name one in member of the city file. ` +
    `It holds ${visible.slice(0, 20).join(', ') || 'nothing'}${visible.length > 20 ? `, and ${visible.length - 20} more` : ''}`
  throw new WardbookError('archive-unusable', 'fix-source', message, { file, members: visible.slice(0, 100) })
}

function tablesAmong(names: readonly string[]): readonly string[] {
  for (const pattern of TABLE_NAMES) {
    const tables = names.filter((name) => pattern.test(name))
    if (tables.length > 0) return tables
  }
  return names
}

/** `*` is any run of characters within a folder, `**` also across folders, `?` any one character; case does not matter. */
function fits(name: string, pattern: string): boolean {
  const parts = pattern.split(/(\*\*\/?|\*|\?)/).map((part) => {
    if (part.startsWith('**')) return part.endsWith('/') ? '(?:.*/)?' : '.*'
    return part === '*' ? '[^/]*' : part === '?' ? '[^/]' : part.replaceAll(/[.+^${}()|[\]\\]/g, '\\$&')
  })
  return new RegExp(`^${parts.join('')}$`, 'i').test(name)
}

async function entriesOf(body: PageBody): Promise<Map<string, Entry>> {
  const zip = await opened(body)
  const entries = new Map<string, Entry>()
  try {
    await new Promise<void>((resolve, reject) => {
      zip.on('entry', (entry: Entry) => {
        if (!entry.fileName.endsWith('/')) entries.set(entry.fileName, entry)
        if (entries.size > MAX_MEMBERS) reject(new Error(`more than ${MAX_MEMBERS} members`))
        else zip.readEntry()
      })
      zip.on('end', resolve)
      zip.on('error', reject)
      zip.readEntry()
    })
  } catch (cause) {
    throw unusable(body.name, cause)
  } finally {
    zip.close()
  }
  return entries
}

function opened(body: PageBody): Promise<ZipFile> {
  return new Promise((resolve, reject) => {
    yauzl.open(body.file, { lazyEntries: true, autoClose: false }, (error, zip) => {
      if (error) reject(unusable(body.name, error))
      else resolve(zip)
    })
  })
}

function memberBody(body: PageBody, entry: Entry, file: string): PageBody {
  const name = `${body.name}, member ${entry.fileName}`
  return { name, file, open: () => capped(contentOf(body, entry, name), () => entry.compressedSize, name) }
}

/** The member's bytes; ends with an error when they are not those that were packed. */
async function* contentOf(body: PageBody, entry: Entry, name: string): AsyncIterable<Uint8Array> {
  const zip = await opened(body)
  let sum = 0
  try {
    const stream = await new Promise<NodeJS.ReadableStream>((resolve, reject) => {
      zip.openReadStream(entry, (error, found) => (error ? reject(error) : resolve(found)))
    })
    for await (const chunk of stream) {
      sum = crc32(chunk as Buffer, sum)
      yield chunk as Buffer
    }
    if (sum !== entry.crc32) throw new Error('the checksum differs')
  } catch (cause) {
    throw cause instanceof WardbookError ? cause : unusable(name, cause)
  } finally {
    zip.close()
  }
}

function unusable(file: string, cause: unknown): WardbookError {
  const why = cause instanceof Error ? cause.message : String(cause)
  const message = `${file} is a zip archive that cannot be read: ${why}; fetch it again, or publish it as CSV`
  return new WardbookError('archive-unusable', 'fix-source', message, { file }, { cause })
}
