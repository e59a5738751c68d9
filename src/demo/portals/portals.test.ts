import { afterEach, describe, expect, it } from 'vitest'
import { startCkanPortal } from './ckan/ckan-portal.js'
import { startOpendatasoftPortal } from './opendatasoft/opendatasoft-portal.js'
import type { RunningPortal } from './portal-server.js'
import { type PortalTable, tableOfRows } from './portal-table.js'
import { startSocrataPortal } from './socrata/socrata-portal.js'

let portal: RunningPortal
afterEach(() => portal.close())

/** Generated, not stored: any row can be asked for. */
const TABLE: PortalTable = {
  id: 'abcd-1234',
  name: 'Requests',
  columns: [
    { name: 'number', type: 'number', label: 'Number' },
    { name: 'note', type: 'text' },
  ],
  rowCount: 100_000,
  row: (index) => [`${index}.0`, index % 2 === 0 ? null : `note ${index}`],
  updatedAt: Date.UTC(2026, 0, 31),
}
const PACKAGE = { id: 'p', name: 'requests', title: 'Requests', resources: [{ table: TABLE }] }

async function get(path: string, init?: RequestInit) {
  const response = await fetch(`${portal.url}${path}`, init)
  const text = await response.text()
  return { status: response.status, headers: response.headers, text, json: () => JSON.parse(text) }
}

describe('the Socrata portal of the demo', () => {
  it('gives 1,000 rows to who asks for no number, and at most 50,000 on the old backend', async () => {
    portal = await startSocrataPortal(() => [TABLE], { newBackend: false })
    expect((await get('/resource/abcd-1234.json')).json()).toHaveLength(1_000)
    expect((await get('/resource/abcd-1234.json?$limit=60000')).json()).toHaveLength(50_000)
  })

  it('leaves a null out, sends numbers as texts, and a row a line', async () => {
    portal = await startSocrataPortal(() => [TABLE])
    const { text, headers } = await get('/resource/abcd-1234.json?$limit=2&$order=:id')
    expect(text).toBe('[{"number":"0.0"}\n,{"number":"1.0","note":"note 1"}\n]\n')
    expect(headers.get('etag')).toBeTruthy()
    expect(headers.get('last-modified')).toBe('Sat, 31 Jan 2026 00:00:00 GMT')
  })

  it('has no order unless it is asked for one', async () => {
    portal = await startSocrataPortal(() => [TABLE])
    const twice = async (query: string) => [(await get(query)).text, (await get(query)).text]
    const [one, other] = await twice('/resource/abcd-1234.json?$limit=5')
    expect(one).not.toBe(other)
    const [first, second] = await twice('/resource/abcd-1234.json?$limit=5&$order=:id')
    expect(first).toBe(second)
  })

  it.each([
    ['/resource/abcd-1234.json?limit=1', 400, /Unrecognized arguments \[limit\]/],
    ['/resource/abcd-1234.json?$select=gone', 400, /query\.soql\.no-such-column/],
    ['/resource/wxyz-9876.json', 404, /dataset\.missing/],
    ['/api/views/wxyz-9876.json', 404, /not_found/],
    ['/elsewhere', 404, /No service found/],
  ])('refuses %s with %d', async (path, status, said) => {
    portal = await startSocrataPortal(() => [TABLE])
    const answer = await get(path)
    expect([answer.status, said.test(answer.text)]).toEqual([status, true])
  })

  it('heads CSV with field names, on the old backend with titles', async () => {
    portal = await startSocrataPortal(() => [TABLE])
    expect((await get('/resource/abcd-1234.csv?$limit=1&$order=:id')).text).toBe('"number","note"\n"0.0",\n')
    await portal.close()
    portal = await startSocrataPortal(() => [TABLE], { newBackend: false })
    expect((await get('/resource/abcd-1234.csv?$limit=1')).text).toMatch(/^"Number","note"\n/)
  })

  it('streams a table that it never holds, compressed', async () => {
    portal = await startSocrataPortal(() => [TABLE])
    const { text, headers } = await get('/resource/abcd-1234.csv?$limit=100000&$order=:id')
    expect(text.split('\n')).toHaveLength(100_002)
    expect(headers.get('content-encoding')).toBe('gzip')
  })
})

describe('the CKAN portal of the demo', () => {
  it('lowers a limit without an error, and says which one it kept to', async () => {
    portal = await startCkanPortal(() => [PACKAGE])
    const search = async (limit: string) =>
      (await get(`/api/3/action/datastore_search?resource_id=abcd-1234&include_total=false${limit}`)).json()
        .result
    expect((await search('')).records).toHaveLength(100)
    const { limit, records, total } = await search('&limit=50000')
    expect([limit, records.length, total]).toEqual([32_000, 32_000, undefined])
  })

  it('sends numbers in the characters that they have, and nulls', async () => {
    portal = await startCkanPortal(() => [PACKAGE])
    const { text } = await get(
      '/api/3/action/datastore_search?resource_id=abcd-1234&limit=2&records_format=lists',
    )
    expect(text).toContain('"records": [[1,0.0,null],[2,1.0,"note 1"]]')
  })

  it('dumps with _id first, a mark where it is wanted, and an empty text told from none', async () => {
    const table = tableOfRows(TABLE, [
      ['1', ''],
      ['2', null],
    ])
    portal = await startCkanPortal(() => [{ ...PACKAGE, resources: [{ table }] }])
    expect((await get('/datastore/dump/abcd-1234')).text).toBe('_id,number,note\r\n1,1,""\n2,2,\n')
    const marked = await fetch(`${portal.url}/datastore/dump/abcd-1234?bom=True&fields=note&limit=0`)
    expect(Buffer.from(await marked.arrayBuffer()).toString('hex')).toBe(
      Buffer.from('\uFEFFnote\r\n').toString('hex'),
    )
  })

  it.each([
    ['/api/3/action/package_show?id=none', 404, /Not Found Error/],
    ['/api/3/action/datastore_search?resource_id=abcd-1234&limit=-1', 409, /Validation Error/],
    ['/api/3/action/nothing', 400, /^"Bad request - Action name not known/],
    ['/datastore/dump/none', 404, /<html>/],
  ])('refuses %s with %d', async (path, status, said) => {
    portal = await startCkanPortal(() => [PACKAGE])
    const answer = await get(path)
    expect([answer.status, said.test(answer.text)]).toEqual([status, true])
  })

  it('answers broken JSON with a JSON string', async () => {
    portal = await startCkanPortal(() => [PACKAGE])
    const answer = await get('/api/3/action/package_show', { method: 'POST', body: '{' })
    expect([answer.status, typeof answer.json()]).toEqual([400, 'string'])
  })

  it('takes double slashes in addresses', async () => {
    portal = await startCkanPortal(() => [PACKAGE])
    expect((await get('//api/3/action/status_show')).status).toBe(200)
  })
})

describe('the OpenDataSoft portal of the demo', () => {
  const DATED = tableOfRows(
    { id: 'dated', name: 'Dated', updatedAt: 0, columns: [{ name: 'at', type: 'date' }] },
    [['2025-11-02T06:30:00Z'], ['2025-11-02T07:30:00Z'], ['2025-01-01T08:00:00.000'], [null]],
  )
  const DATASET = '/api/explore/v2.1/catalog/datasets/dated'

  it('writes instants with the offset of the zone that it is asked for, UTC where it is asked for none', async () => {
    portal = await startOpendatasoftPortal(() => [DATED])
    const cells = async (query: string) =>
      (await get(`${DATASET}/exports/csv?order_by=at&with_bom=false${query}`)).text
        .trim()
        .split('\r\n')
        .slice(1)
    const floating = '2025-01-01T08:00:00.000'
    expect((await cells('')).slice(-3)).toEqual([
      floating,
      '2025-11-02T06:30:00+00:00',
      '2025-11-02T07:30:00+00:00',
    ])
    expect((await cells('&timezone=America/Chicago')).slice(-3)).toEqual([
      floating,
      '2025-11-02T01:30:00-05:00',
      '2025-11-02T01:30:00-06:00',
    ])
    const { results } = (await get(`${DATASET}/records?timezone=Europe/Berlin`)).json()
    expect(results[0].at).toBe('2025-11-02T07:30:00+01:00')
  })

  it.each(['exports/csv', 'records'])('refuses %s in a zone that there is not', async (path) => {
    portal = await startOpendatasoftPortal(() => [DATED])
    const { status, json } = await get(`${DATASET}/${path}?timezone=Pocket/City`)
    expect([status, json().error_code]).toEqual([400, 'InvalidRESTParameterError'])
  })
})
