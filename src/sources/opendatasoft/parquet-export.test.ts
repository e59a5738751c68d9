import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import {
  asSourceRows,
  TRIAL_TYPES,
  trialRows,
  trialTable,
  trialTools,
} from '../../../testkit/portal-trial.js'
import { readWhole } from '../../../testkit/read-source.js'
import { OpendatasoftSource } from '../../contracts/sources/opendatasoft.js'
import {
  type OpendatasoftPortalOptions,
  startOpendatasoftPortal,
} from '../../demo/portals/opendatasoft/opendatasoft-portal.js'
import type { PortalHooks, RunningPortal } from '../../demo/portals/portal-server.js'
import { decodePage } from '../../ingest/decode-page.js'
import { LEAN, withEngine } from '../../lake/duckdb/engine.js'
import { literal } from '../../lake/duckdb/sql.js'
import { openOpendatasoftSource } from './opendatasoft-source.js'

const TABLE = trialTable(TRIAL_TYPES, trialRows(40), { id: 'requests', keyColumn: 'sr_number' })

let folder = ''
let parquet: ReadonlyMap<string, Uint8Array>
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wardbook-ods-'))
  const file = join(folder, 'requests.parquet')
  const cell = (text: string | null | undefined) => (typeof text === 'string' ? literal(text) : 'NULL')
  const names = TABLE.columns.map(({ name }) => name)
  const rows = asSourceRows(TABLE).map((row) => `(${names.map((name) => cell(row[name])).join(', ')})`)
  await withEngine(LEAN, folder, (engine) =>
    engine.run(
      `COPY (SELECT * FROM (VALUES ${rows.join(', ')}) AS t(${names.join(', ')})) TO ${literal(file)} (FORMAT parquet)`,
    ),
  )
  parquet = new Map([['requests', await readFile(file)]])
})
afterAll(() => rm(folder, { recursive: true }))

let portal: RunningPortal | undefined
afterEach(async () => portal?.close())

async function open(options: OpendatasoftPortalOptions, hooks: PortalHooks = {}) {
  portal = await startOpendatasoftPortal(() => [TABLE], options, hooks)
  const config = { family: 'opendatasoft', portal: portal.url, datasets: ['requests'], read: 'parquet' }
  return openOpendatasoftSource('d/s', OpendatasoftSource.parse(config), trialTools())
}

const exportsAsked = () =>
  portal?.requests.flatMap(({ path, query }) =>
    path.includes('/exports/') && !query.has('limit') ? [path.split('/').at(-1)] : [],
  )

describe('an export as Parquet', () => {
  it.each([true, false])('is read where the portal has it (list of exports: %s)', async (listsExports) => {
    const { rows, publication } = await readWhole(await open({ parquet, listsExports }), {
      decode: decodePage,
    })
    expect(rows).toEqual(asSourceRows(TABLE)) // an empty text and no value are told apart
    expect([publication.offers[0]?.facts?.read, exportsAsked()]).toEqual(['parquet', ['parquet']])
  })

  it.each([true, false])('is CSV where the portal has none (list of exports: %s)', async (listsExports) => {
    const { rows, publication } = await readWhole(await open({ listsExports }), { decode: decodePage })
    expect(rows.map((row) => row.sr_number)).toEqual(asSourceRows(TABLE).map((row) => row.sr_number))
    expect([publication.offers[0]?.facts?.read, exportsAsked()]).toEqual(['csv', ['csv']])
  })

  it('is not taken for absent where the portal is down', async () => {
    const hooks: PortalHooks = {
      alter: ({ path }, answer) =>
        path.endsWith('/exports') ? { status: 503, headers: {}, body: ['down'] } : answer,
    }
    await expect((await open({ parquet }, hooks)).describe()).rejects.toMatchObject({ code: 'portal-failed' })
  })
})
