import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { measureCommand } from '../../bench/measure.js'
import { type FileServer, startFileServer } from '../../testkit/file-server.js'
import { DeltaTable } from '../lake/delta/table.js'
import { openLocalStore } from '../lake/local/local-store.js'

/** What a whole run of the bounded profile may take, main process and worker together. */
const CEILING_MIB = 320
const PROGRAM = join(import.meta.dirname, '..', '..', 'bench', 'ingest', 'ours.mjs')

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

const HARD: readonly { readonly what: string; readonly rows: number; readonly body: () => string }[] = [
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
]

describe.skipIf(process.platform !== 'linux')('a bounded run as a whole (peaks are read from Linux)', () => {
  // Once more where it is above: with other suites beside it, one process keeps freed memory while the other already takes its own.
  it.each(HARD)('takes $what within its ceiling', { retry: 1 }, async ({ what, rows, body }) => {
    server.serve('/a.csv', { body: body() })
    const lake = join(folder, what.replaceAll(/\W/g, '-'))
    const command = [
      process.execPath,
      '--max-semi-space-size=1',
      PROGRAM,
      `${server.url}/a.csv`,
      lake,
      'bounded',
    ]
    const { peakMib, stdout } = await measureCommand(command)
    expect(JSON.parse(stdout)).toEqual({ rows, quarantined: 0 })
    expect(peakMib).toBeLessThan(CEILING_MIB)
    const raw = await new DeltaTable(await openLocalStore(lake), 'raw/requests/portal').snapshot()
    expect([...(raw?.files.values() ?? [])].reduce((sum, file) => sum + (file.rows ?? 0), 0)).toBe(rows)
  })
})
