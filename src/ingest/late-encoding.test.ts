import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type FileServer, startFileServer } from '../../testkit/file-server.js'
import { makeLake, rowsOf, type TestLake } from '../../testkit/lake-fixture.js'
import { DATASET, ingest, SOURCE, testCity } from '../../testkit/test-city.js'
import { tables } from '../lake/tables.js'
import { BOUNDED, FAST } from './profiles.js'

const RAW = tables.raw(DATASET, SOURCE)
const HEADER = 'id,District,Type,Opened\n'
/** Far beyond what is looked at before the rows are split. */
const PLAIN_ROWS = 60_000
const plain = (from: number) =>
  Array.from({ length: PLAIN_ROWS }, (_row, at) => `${from + at},${(at % 3) + 1},Pothole,2026-01-05\n`).join(
    '',
  )

describe.each([
  ['bounded', BOUNDED],
  ['fast', FAST],
])('a text whose encoding shows late, %s', (_name, profile) => {
  let lake: TestLake
  let server: FileServer
  beforeEach(async () => {
    lake = await makeLake()
    server = await startFileServer()
  })
  afterEach(async () => {
    await server.close()
    await lake.remove()
  })

  const read = async (files: Record<string, Buffer>) => {
    for (const [path, body] of Object.entries(files)) server.serve(path, { body })
    const urls = Object.keys(files).map((path) => `${server.url}${path}`)
    const city = testCity({ source: { family: 'files', urls } })
    const { rows, quarantined } = await ingest(lake.store, city, { profile })
    const found = await rowsOf<{ id: string; Type: string }>(lake.store, RAW, 'id')
    return { rows, quarantined, types: [...new Set(found.map(({ Type }) => Type))].sort(), found }
  }

  it('is read as Windows-1252 from its first row on, received once, and no other page is read twice', async () => {
    const late = Buffer.from(`${HEADER}${plain(100_000)}7,2,D\xe9chets \x96 caf\xe9,2026-01-06\n`, 'latin1')
    const before = Buffer.from(`${HEADER}1,1,Bl\u00fcte,2026-01-05\n`)
    const { rows, quarantined, types, found } = await read({ '/a.csv': before, '/b.csv': late })
    expect([rows, quarantined, found.length]).toEqual([PLAIN_ROWS + 2, 0, PLAIN_ROWS + 2])
    expect(types).toEqual(['Blüte', 'Déchets – café', 'Pothole'])
    expect(server.requests.filter((line) => line.startsWith('GET'))).toEqual(['GET /a.csv', 'GET /b.csv'])
  })

  it('stays UTF-8 with a bad row where most of it is UTF-8', async () => {
    const damaged = Buffer.concat([
      Buffer.from(HEADER + plain(100_000)),
      Buffer.from('8,1,Caf\xe9,2026-01-06\n', 'latin1'),
      Buffer.from('9,1,Bl\u00fcte \u00e9\u00e8\u00ea,2026-01-06\n'),
    ])
    const { rows, quarantined, types } = await read({ '/a.csv': damaged })
    expect([rows, quarantined]).toEqual([PLAIN_ROWS + 1, 1])
    expect(types).toEqual(['Blüte éèê', 'Pothole'])
  })
})
