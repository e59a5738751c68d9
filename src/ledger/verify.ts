import { FINDINGS_COLUMNS } from '../contracts/columns.js'
import type { RecordedEvent } from '../contracts/event.js'
import { WardbookError } from '../kernel/errors.js'
import { canonicalJson, type Json } from '../kernel/ids.js'
import { DeltaTable } from '../lake/delta/table.js'
import { LEAN, openEngine } from '../lake/duckdb/engine.js'
import { type Scan, scanFiles } from '../lake/duckdb/scan.js'
import { identifier } from '../lake/duckdb/sql.js'
import type { ObjectStore } from '../lake/store.js'
import { LOG_NAME, tables } from '../lake/tables.js'
import { type ChainLink, EMPTY_HEAD, type LogHead, readChain } from './chain.js'
import { eventKey } from './compose.js'
import { segmentsPrefix } from './layout.js'
import { readLogFile } from './log-file.js'
import { recordedEvent } from './log-reader.js'
import { findingsRow, projectedSize } from './projection.js'
import { brokenSegment } from './segment.js'

/** What an audit found to be whole. */
export interface AuditedLog {
  /** Events in the log. */
  readonly size: number
  /** Root of their tree, hexadecimal. */
  readonly root: string
  readonly segments: number
}

/** What to audit. */
export interface AuditOptions {
  /** Any handle that may read `ledger/` (and `findings/`). */
  readonly store: ObjectStore
  readonly log?: string
  /** Compare `findings/` with the log too; default: no. */
  readonly view?: boolean
}

/**
 * Reads a whole log again and trusts nothing: every byte of every segment, the chain, all roots, the canonical form and the id of
 * each event, and that no segment lies beside the chain. With `view`, also that `findings/` shows each event once, as it is.
 * @throws WardbookError naming the first thing that is wrong: 'ledger-missing' (fix-config), 'ledger-file-broken',
 * 'ledger-segment-broken', 'ledger-chain-broken', 'ledger-id-twice', 'ledger-view-differs' (fix-source)
 */
export async function verifyLog({ store, log = LOG_NAME, view = false }: AuditOptions): Promise<AuditedLog> {
  const file = await readLogFile(store, log)
  if (file === undefined) throw missingLog(log)
  const compare = view ? await openView(store, log) : undefined
  try {
    const audit = await auditChain(store, { log, origin: file.origin }, compare)
    await compare?.demandEnd()
    return audit
  } finally {
    await compare?.close()
  }
}

async function auditChain(
  store: ObjectStore,
  identity: { log: string; origin: string },
  compare: ViewComparison | undefined,
): Promise<AuditedLog> {
  const seen = new Map<string, number>()
  const names = store.list(segmentsPrefix(identity.log))[Symbol.asyncIterator]()
  let segments = 0
  let head: LogHead = EMPTY_HEAD
  for await (const link of readChain(store, identity)) {
    await demandName(names, link.key)
    const events = auditEvents(link, seen)
    await compare?.demandShown(events)
    head = link.head
    segments += 1
  }
  await demandName(names, undefined)
  return { size: head.size, root: head.root, segments }
}

/** The names in the bucket and the chain must agree: a segment that the chain does not reach means that one before it is gone. */
async function demandName(
  names: AsyncIterator<{ key: string }>,
  expected: string | undefined,
): Promise<void> {
  const next = await names.next()
  const found = next.done ? undefined : next.value.key
  if (found === expected) return
  const key = found ?? expected ?? ''
  throw brokenSegment(key, `the log's chain has '${expected ?? 'ended'}' in its place`)
}

function auditEvents({ key, segment }: ChainLink, seen: Map<string, number>): RecordedEvent[] {
  return segment.leaves.map((leaf, offset) => {
    const index = segment.header.start + offset
    const recorded = recordedEvent(key, index, leaf)
    const { event } = recorded
    if (canonicalJson(event as Json) !== Buffer.from(leaf).toString('utf8')) {
      throw brokenSegment(key, `event ${index} is not canonical JSON`)
    }
    if (event.recordedtime !== segment.header.at) {
      throw brokenSegment(key, `event ${index} has another recordedtime than its segment`)
    }
    const id = eventKey(event.source, event.id)
    const first = seen.get(id)
    if (first !== undefined) throw idTwice(event.id, first, index)
    seen.set(id, index)
    return recorded
  })
}

/** Walks through `findings/` beside the log. */
interface ViewComparison {
  /** The view shows exactly these events, or those of them that it has reached. */
  demandShown(events: readonly RecordedEvent[]): Promise<void>
  /** The view has no row beyond those compared. */
  demandEnd(): Promise<void>
  close(): Promise<void>
}

async function openView(store: ObjectStore, log: string): Promise<ViewComparison | undefined> {
  const snapshot = await new DeltaTable(store, tables.findings()).snapshot()
  if (snapshot === undefined) return undefined
  const shown = projectedSize(snapshot, log)
  const scan = await scanFiles(store, tables.findings(), snapshot)
  const scratch = await store.scratch()
  const { engine, close } = await openEngine(LEAN, scratch.folder)
  let compared = 0
  return {
    async demandShown(events) {
      const expected = events.filter(({ index }) => index < shown)
      const [first, last] = [expected[0], expected.at(-1)]
      if (!first || !last) return
      demandRows(expected, await engine.rows<ViewRow>(rowsSql(scan, first.index, last.index)))
      compared = last.index + 1
    },
    async demandEnd() {
      const [count] = await engine.rows<{ rows: number }>(`SELECT count(*) AS rows FROM ${scan.sql}`)
      if (compared === shown && count?.rows === shown) return
      throw viewDiffers(
        compared,
        `it has ${count?.rows} rows and says it shows ${shown} events, the log has ${compared}`,
      )
    },
    async close() {
      close()
      await scan.release()
      await scratch.remove()
    },
  }
}

type ViewRow = Record<string, unknown>

/** Dates and instants as ISO text, so that they compare with the event's own. */
function rowsSql(scan: Scan, first: number, last: number): string {
  const cells = [...FINDINGS_COLUMNS, { name: 'division', type: 'string' }].map(({ name, type }) => {
    const column = identifier(name)
    if (type === 'timestamp') return `epoch_ms(${column}) AS ${column}`
    return type === 'date' ? `${column}::VARCHAR AS ${column}` : column
  })
  return (
    `SELECT ${cells.join(', ')} FROM ${scan.sql} ` +
    `WHERE "index" BETWEEN ${first} AND ${last} ORDER BY "index"`
  )
}

function demandRows(events: readonly RecordedEvent[], rows: readonly ViewRow[]): void {
  events.forEach((event, position) => {
    const { division, row } = findingsRow(event)
    const found = rows[position]
    if (found === undefined) throw viewDiffers(event.index, 'it is missing')
    for (const [name, expected] of Object.entries({ ...row, division })) {
      const wanted = isInstant(name) && expected !== null ? Date.parse(String(expected)) : expected
      if (found[name] !== wanted) throw viewDiffers(event.index, `its ${name} is '${found[name]}'`)
    }
  })
  if (rows.length > events.length) throw viewDiffers(events.at(-1)!.index, 'a row is there twice')
}

function isInstant(name: string): boolean {
  return FINDINGS_COLUMNS.some((column) => column.name === name && column.type === 'timestamp')
}

function viewDiffers(index: number, why: string): WardbookError {
  return new WardbookError(
    'ledger-view-differs',
    'fix-source',
    `'${tables.findings()}' does not show event ${index} as the log holds it: ${why}; ` +
      'somebody else has written there, or it needs to be made again from the log',
    { index },
  )
}

function idTwice(id: string, first: number, second: number): WardbookError {
  return new WardbookError(
    'ledger-id-twice',
    'fix-source',
    `the log holds event ${id} twice, at ${first} and at ${second}: another program has written to it`,
    { id, first, second },
  )
}

function missingLog(log: string): WardbookError {
  return new WardbookError(
    'ledger-missing',
    'fix-config',
    `this lake has no log '${log}': run the ledger stage once, or name another lake`,
    { log },
  )
}
