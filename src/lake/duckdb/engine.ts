import { createRequire } from 'node:module'
import type * as DuckDb from '@duckdb/node-api'
import type { DuckDBConnection, DuckDBValue } from '@duckdb/node-api'
import { WardbookError } from '../../kernel/errors.js'

/** How much an engine may take. The process needs 80 to 140 MB on top of `memoryLimitMb`. */
export interface EngineProfile {
  readonly threads: number
  readonly memoryLimitMb: number
  /** Whether freed memory goes back at once, and no bytes of files stay for the next query. */
  readonly isFrugal: boolean
}

/**
 * For part workers: one thread and small buffers, so that a partitioned write stays near 210 MiB whatever the input.
 * One thread also makes its output the same bytes every time.
 */
export const LEAN: EngineProfile = { threads: 1, memoryLimitMb: 128, isFrugal: true }

/** For queries of pages and the API. */
export const QUERY: EngineProfile = { threads: 2, memoryLimitMb: 256, isFrugal: false }

const FRUGAL = {
  enable_external_file_cache: 'false',
  allocator_flush_threshold: '8MB',
  allocator_bulk_deallocation_flush_threshold: '32MB',
}

/** Rows a partitioned write holds for all partitions before it flushes; it, not the memory limit, drives the peak. */
const PARTITIONED_FLUSH_ROWS = 16_384

export type SqlValue = string | number | bigint | boolean | null

/** A SQL engine over local files, in memory, for one piece of work. */
export interface Engine {
  /** Runs a statement. @throws WardbookError 'engine-failed' (report-bug) with the statement in its facts */
  run(sql: string): Promise<void>
  /**
   * Rows of a query as objects: 64-bit integers are numbers (bigint above 2^53), dates and timestamps ISO text to the millisecond,
   * decimals numbers (cast them to VARCHAR where every digit counts).
   */
  rows<Row>(sql: string, parameters?: readonly SqlValue[]): Promise<Row[]>
  /**
   * The same rows one by one as the query gives them: about 2,000 are held at a time. Stop by leaving the loop; no other statement may run on
   * the engine until then.
   */
  stream<Row>(sql: string, parameters?: readonly SqlValue[]): AsyncIterable<Row>
}

/**
 * Opens an engine, works, and closes it.
 * @param scratchFolder where it may spill; the caller removes it
 */
export async function withEngine<Result>(
  profile: EngineProfile,
  scratchFolder: string,
  work: (engine: Engine) => Promise<Result>,
): Promise<Result> {
  const { engine, close } = await openEngine(profile, scratchFolder)
  try {
    return await work(engine)
  } finally {
    close()
  }
}

/** Loads the engine's library, which takes half a second of work. */
export function loadEngine(): void {
  loadDuckDb()
}

/** An engine that stays open, for a server; call `close` when done. */
export async function openEngine(
  profile: EngineProfile,
  scratchFolder: string,
): Promise<{ engine: Engine; close: () => void }> {
  const { DuckDBInstance } = loadDuckDb()
  const instance = await DuckDBInstance.create(':memory:', {
    threads: String(profile.threads),
    memory_limit: `${profile.memoryLimitMb}MB`,
    preserve_insertion_order: 'false',
    partitioned_write_flush_threshold: String(PARTITIONED_FLUSH_ROWS),
    temp_directory: scratchFolder,
    ...(profile.isFrugal ? FRUGAL : {}),
  })
  const connection = await instance.connect()
  await connection.run("SET TimeZone = 'UTC'")
  return {
    engine: new DuckDbEngine(connection),
    close: () => {
      connection.closeSync()
      instance.closeSync()
    },
  }
}

/**
 * 30 MiB, and a process may never need it. By `require`, as its files are CommonJS: an `import` first looks through each of them for names to
 * export, which takes longer than all else of an open.
 */
function loadDuckDb(): typeof DuckDb {
  return createRequire(import.meta.url)('@duckdb/node-api') as typeof DuckDb
}

class DuckDbEngine implements Engine {
  constructor(private readonly connection: DuckDBConnection) {}

  async run(sql: string): Promise<void> {
    await this.connection.run(sql).catch((cause) => {
      throw engineFailed(sql, cause)
    })
  }

  async rows<Row>(sql: string, parameters: readonly SqlValue[] = []): Promise<Row[]> {
    const reader = await this.connection
      .runAndReadAll(sql, [...parameters] as DuckDBValue[])
      .catch((cause) => {
        throw engineFailed(sql, cause)
      })
    return reader.getRowObjectsJS().map(plainRow) as Row[]
  }

  async *stream<Row>(sql: string, parameters: readonly SqlValue[] = []): AsyncIterable<Row> {
    try {
      const result = await this.connection.stream(sql, [...parameters] as DuckDBValue[])
      for await (const rows of result.yieldRowObjectJs()) yield* rows.map(plainRow) as Row[]
    } catch (cause) {
      throw engineFailed(sql, cause)
    }
  }
}

function engineFailed(sql: string, cause: unknown): WardbookError {
  const message = cause instanceof Error ? cause.message : String(cause)
  return new WardbookError('engine-failed', 'report-bug', message, { sql: sql.slice(0, 2_000) }, { cause })
}

function plainRow(row: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(row).map(([name, value]) => [name, plainValue(value)]))
}

function plainValue(value: unknown): unknown {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value
  if (value instanceof Date) return value.toISOString()
  return value
}
