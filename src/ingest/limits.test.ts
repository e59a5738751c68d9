import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { measureCommand } from '../../bench/measure.js'
import { type FileServer, startFileServer } from '../../testkit/file-server.js'
import type { ErrorRecord } from '../kernel/errors.js'
import { DeltaTable } from '../lake/delta/table.js'
import { openLocalStore } from '../lake/local/local-store.js'

/** What a whole run of the bounded profile may take, main process and worker together. */
const CEILING_MIB = 320
const PROGRAM = join(import.meta.dirname, '..', '..', 'bench', 'ingest', 'program.mjs')

let server: FileServer
let folder: string

beforeAll(async () => {
  server = await startFileServer()
  folder = await mkdtemp(join(tmpdir(), 'wardbook-limits-'))
})
afterAll(async () => {
  await server.close()
  await rm(folder, { recursive: true })
})

/** Rows as CSV with the columns `case_id` and `council_district` in front. */
function tableOf(rows: number, more: readonly string[], cells: (row: number) => readonly string[]): string {
  const lines = [['case_id', 'council_district', ...more].join(',')]
  for (let row = 0; row < rows; row++) lines.push(cells(row).join(','))
  return `${lines.join('\n')}\n`
}

const names = (count: number) => Array.from({ length: count }, (_, at) => `c${at}`)

/** A publication that is hard on memory. */
interface HardCase {
  readonly what: string
  readonly rows: number
  readonly body: () => string
  /** Column that identifies a row, `case_id`; null: none. */
  readonly key?: null
  /** Most rows of a part, where that is less than a million. */
  readonly maxRows?: number
}

const SKEWED_ROWS = 400_000

/** 95 % of the rows are in division 1, and it is larger than a part may be. */
function skewed(): string {
  const note = 'seen by the crew of the day and left as it was for the night shift'
  return tableOf(SKEWED_ROWS, ['note'], (row) => [`${row}`, row % 20 === 0 ? '2' : '1', `${row} ${note}`])
}

const HARD: readonly HardCase[] = [
  {
    what: '10,000 categories',
    rows: 200_000,
    body: () => tableOf(200_000, ['type'], (row) => [`${row}`, `${row % 15}`, `Category ${row % 10_000}`]),
  },
  {
    what: '400 columns',
    rows: 8_000,
    body: () => {
      const more = names(398)
      return tableOf(8_000, more, (row) => [
        `${row}`,
        `${row % 15}`,
        ...more.map((_, at) => `v${row % (at + 2)}`),
      ])
    },
  },
  {
    what: '300 partition values',
    rows: 60_000,
    body: () => tableOf(60_000, ['note'], (row) => [`${row}`, `D${row % 300}`, `note ${row}`]),
  },
  {
    what: 'every cell quoted, with line breaks',
    rows: 60_000,
    body: () =>
      tableOf(60_000, names(10), (row) =>
        [`${row}`, `${row % 5}`, ...names(10).map((name) => `${name}\n"" ${row}`)].map((cell) => `"${cell}"`),
      ),
  },
  {
    what: 'rows of half a MiB',
    rows: 120,
    body: () => tableOf(120, ['text'], (row) => [`${row}`, '7', `${row % 10}`.repeat(512 * 1024)]),
  },
  {
    what: '95 % of the rows in one division, with a key',
    rows: SKEWED_ROWS,
    body: skewed,
    maxRows: 100_000,
  },
  {
    what: '95 % of the rows in one division, without a key',
    rows: SKEWED_ROWS,
    body: skewed,
    key: null,
    maxRows: 100_000,
  },
]

function cityOf({ key, maxRows }: Pick<HardCase, 'key' | 'maxRows'>) {
  return {
    city: { slug: 'testville', name: 'Testville', timeZone: 'America/New_York', simulated: true },
    ...(maxRows === undefined ? {} : { parts: { maxRows } }),
    datasets: {
      requests: {
        name: 'Requests',
        kind: 'service-requests',
        ...(key === null ? {} : { key: 'case_id' }),
        partition: { column: 'council_district' },
        sources: { portal: { family: 'files', urls: [`${server.url}/a.csv`] } },
        mapping: { service_name: 'note', requested_at: { from: 'opened_at', formats: ['%Y-%m-%d'] } },
      },
    },
  }
}

/** A whole run of the built program in the bounded profile. @returns its peak, and what it said last: facts of its last step, or its error */
async function runBounded(lake: string, body: string, city: Pick<HardCase, 'key' | 'maxRows'> = {}) {
  server.serve('/a.csv', { body })
  const cityFile = `${lake}.json`
  await writeFile(cityFile, JSON.stringify(cityOf(city)))
  const command = [process.execPath, '--max-semi-space-size=1', PROGRAM, cityFile, lake, 'bounded']
  const { peakMib, stdout } = await measureCommand(['sh', '-c', '"$@"; true', 'sh', ...command])
  const last = JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '{}')
  return { peakMib, ...(last as { facts?: Record<string, unknown>; error?: ErrorRecord }) }
}

async function liveFiles(lake: string) {
  const raw = await new DeltaTable(await openLocalStore(lake), 'raw/requests/portal').snapshot()
  return [...(raw?.files.values() ?? [])].map(({ rows = 0, partition }) => ({
    rows,
    division: partition.council_district ?? '',
  }))
}

describe.skipIf(process.platform !== 'linux')('a bounded run as a whole (peaks are read from Linux)', () => {
  it.each(HARD)('takes $what within its ceiling', async ({ what, rows, body, ...city }) => {
    const lake = join(folder, what.replaceAll(/\W/g, '-'))
    await rm(lake, { recursive: true, force: true })
    const { peakMib, facts, error } = await runBounded(lake, body(), city)
    expect(error).toBeUndefined()
    expect(facts).toMatchObject({ rows, quarantined: 0 })
    expect(peakMib).toBeLessThan(CEILING_MIB)
    const files = await liveFiles(lake)
    expect(files.reduce((sum, file) => sum + file.rows, 0)).toBe(rows)
    const { maxRows } = city
    if (maxRows === undefined) return
    expect(Math.max(...files.map((file) => file.rows))).toBeLessThanOrEqual(maxRows)
    const divided = files.filter(({ division }) => division === '1').length
    const least = Math.ceil((rows * 0.95) / maxRows)
    expect(divided).toBeGreaterThanOrEqual(least)
    expect(divided).toBeLessThanOrEqual(2 * least) // and not into crumbs
  })

  it('refuses a row of 10 MB with its place and what to do, and commits nothing', async () => {
    const lake = join(folder, 'a-row-of-10-mb')
    const long = (row: number) => (row === 2 ? 'x'.repeat(10_000_000) : 'short')
    const { peakMib, error } = await runBounded(
      lake,
      tableOf(1_000, ['note'], (row) => [`${row}`, '7', long(row)]),
    )
    expect(error).toMatchObject({ code: 'row-too-long', remedy: 'shrink' })
    expect(error?.message).toContain(`${server.url}/a.csv`)
    expect(error?.message).toMatch(/line 4, byte 50\b/) // from 0: behind a header of 30 bytes and two rows of 10
    expect(peakMib).toBeLessThan(CEILING_MIB)
    expect(await liveFiles(lake)).toEqual([])
  })
})
