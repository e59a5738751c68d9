import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { makeLake } from '../../testkit/lake-fixture.js'
import { trialTable, trialTools } from '../../testkit/portal-trial.js'
import { ingest } from '../../testkit/test-city.js'
import { ARCGIS_SERVICE_PATH, startArcgisPortal } from '../demo/portals/arcgis/arcgis-portal.js'
import { startCkanPortal } from '../demo/portals/ckan/ckan-portal.js'
import { startOpendatasoftPortal } from '../demo/portals/opendatasoft/opendatasoft-portal.js'
import type { RunningPortal } from '../demo/portals/portal-server.js'
import type { PortalTable, PortalType } from '../demo/portals/portal-table.js'
import { startSocrataPortal } from '../demo/portals/socrata/socrata-portal.js'
import { discover } from '../main/discover.js'
import { parseCity } from '../main/load-city.js'
import { recordingFetch } from '../sources/http/record.js'
import { runCommandLine } from './program.js'

let portal: RunningPortal
afterEach(() => portal.close())

const REQUESTS: Readonly<Record<string, PortalType>> = {
  sr_number: 'text',
  created_date: 'date',
  closed_date: 'date',
  sr_type: 'text',
  status: 'text',
  ward: 'text',
}

function requests(id: string, name: string, rows: number, wardEvery = 1): PortalTable {
  const cells = Array.from({ length: rows }, (_none, at) => [
    ...[`SR-${at}`, '2026-01-05T08:00:00.000', null, 'Pothole', 'Open'],
    at % wardEvery === 0 ? String((at % 3) + 1) : null,
  ])
  return trialTable(REQUESTS, cells, { id, name, updatedAt: Date.UTC(2026, 5, 1) })
}

const TABLES = [
  requests('aaaa-0001', '311 Requests', 40),
  requests('aaaa-0002', 'Sidewalk Complaints', 50, 2),
  trialTable({ name: 'text', ward: 'text' }, [['Library', '1']], { id: 'aaaa-0003', name: 'Libraries' }),
]

const PORTALS: Record<string, () => Promise<{ portal: RunningPortal; address: string }>> = {
  socrata: async () => whole(await startSocrataPortal(() => TABLES)),
  ckan: async () => {
    const packages = TABLES.map((table) => ({
      ...{ id: `p-${table.id}`, name: table.id, title: table.name, resources: [{ table }] },
    }))
    return whole(await startCkanPortal(() => packages))
  },
  opendatasoft: async () => whole(await startOpendatasoftPortal(() => TABLES)),
  arcgis: async () => {
    const running = await startArcgisPortal(() => TABLES)
    return { portal: running, address: `${running.url}/arcgis/rest/services` }
  },
}

function whole(running: RunningPortal) {
  return { portal: running, address: running.url }
}

async function discovered(address: string, ...argv: string[]) {
  const [out, err]: [string[], string[]] = [[], []]
  const streams = { out: (line: string) => out.push(line), err: (line: string) => err.push(line) }
  const code = await runCommandLine(['discover', address, ...argv], streams)
  return { code, out, err: err.join('\n') }
}

describe('wardbook discover', () => {
  it.each(Object.keys(PORTALS))(
    'prints blocks of a %s portal that ingestion reads as they are',
    async (family) => {
      const started = await PORTALS[family]?.()
      if (started === undefined) throw new Error(family)
      portal = started.portal
      const { code, out, err } = await discovered(started.address)
      expect([code, err]).toEqual([0, expect.stringContaining(`(${family}): 3 tables listed`)])
      expect(out.filter((line) => /^ \d {2}/.test(line))).toHaveLength(2)
      expect(out[0]).toMatch(
        /division ward.*time created_date; about 1 MiB in 1 or more parts, passes the memory ceiling$/,
      )
      expect(out.slice(0, 2).join('\n')).toMatch(/40 rows/)

      const head = 'city: { slug: testville, name: Testville, timeZone: America/New_York }'
      const city = parseCity(`${head}\n${out.at(-1)}`, 'printed')
      const lake = await makeLake()
      for (const dataset of Object.keys(city.datasets)) {
        const rows = /311/.test(city.datasets[dataset]?.name ?? '') ? 40 : 50
        const read = await ingest(lake.store, city, {}, dataset, 'portal')
        expect(read, dataset).toMatchObject({ verdict: 'committed', rows })
      }
      await lake.remove()
    },
  )

  it('puts fuller columns first where the portal counts values', async () => {
    portal = (await PORTALS.socrata?.())?.portal as RunningPortal
    const { out } = await discovered(portal.url, '--json')
    const found = out.map((line) => JSON.parse(line))
    expect(found).toMatchObject([
      { kind: 'result', rank: 1, name: '311 Requests', rows: 40, filled: 1 },
      { kind: 'result', rank: 2, name: 'Sidewalk Complaints', rows: 50, filled: 0.5 },
      { kind: 'result', summary: { listed: 3, usable: 2, shown: 2, leftOut: 0, catalogCut: false } },
    ])
    expect(Object.keys(parse(found[0].block))).toEqual(['311-requests'])
  })

  it('shows as many as wanted of what has the words, and downloads no row', async () => {
    portal = (await PORTALS.socrata?.())?.portal as RunningPortal
    expect((await discovered(portal.url, '--words', 'sidewalk', '--json')).out).toHaveLength(2)
    const one = await discovered(portal.url, '--limit', '1')
    expect(one.out.filter((line) => /^ \d {2}/.test(line))).toHaveLength(1)
    expect(one.err).toContain('the best 1 are shown: raise --limit to see all 2')
    const rows = portal.requests.filter(({ path, query }) => {
      return path.startsWith('/resource/') && !/count/.test(query.get('$select') ?? '')
    })
    expect(rows).toEqual([])
  })

  it('says how many tables it did not describe, and describes as many as it may', async () => {
    portal = (await PORTALS.socrata?.())?.portal as RunningPortal
    const { out, err } = await discovered(portal.url, '--max-tables', '1')
    expect(err).toContain('1 table more not described: raise --max-tables to 2')
    expect(out.join('\n')).toContain('rows unknown')
    const json = await discovered(portal.url, '--max-tables', '1', '--json')
    expect(JSON.parse(json.out.at(-1) ?? '')).toMatchObject({ summary: { described: 1, leftOut: 1 } })
    expect((await discovered(portal.url, '--max-tables', '2')).err).not.toContain('--max-tables')
  })

  it('estimates against the part budget that it is given, and puts it into the city file', async () => {
    portal = (await PORTALS.socrata?.())?.portal as RunningPortal
    const { out } = await discovered(portal.url, '--part-rows', '10', '--part-mib', '1')
    expect(out[0]).toMatch(/in 4 or more parts, passes the memory ceiling$/)
    const head = 'city: { slug: testville, name: Testville, timeZone: America/New_York }'
    expect(parseCity(`${head}\n${out.at(-1)}`, 'printed').parts).toEqual({
      ...{ maxRows: 10, maxUncompressedBytes: 2 ** 20 },
    })
    const larger = await discovered(portal.url, '--part-mib', '512')
    expect(larger.out[0]).toContain('does NOT pass the memory ceiling')
  })

  it('prints a block that is whole but for the place that it could not guess, which a check names', async () => {
    const rows = [['SR-1', '2026-01-05T08:00:00.000', '1', 'x']]
    const columns = { sr_number: 'text', created_date: 'date', ward: 'text', remark: 'text' } as const
    const about = { id: 'aaaa-0001', name: 'Street Calls' }
    portal = await startSocrataPortal(() => [trialTable(columns, rows, about)])
    const { out } = await discovered(portal.url)
    const head = 'city: { slug: testville, name: Testville, timeZone: America/New_York }'
    const printed = `${head}\n${out.at(-1)}`
    expect(printed).toMatch(
      /service_name: .*\?\?\?.*# FILL IN the column .* Columns: sr_number, created_date, ward, remark/,
    )
    const line = printed.split('\n').findIndex((text) => text.includes('service_name')) + 1
    expect(() => parseCity(printed, 'printed')).toThrow(
      new RegExp(
        `^printed:${line}:\\d+: datasets.street-calls.mapping.service_name: '\\?{3}' is still to be filled in`,
      ),
    )
    const filled = printed.replace(/(service_name: ).*/, '$1remark')
    expect(parseCity(filled, 'printed').datasets['street-calls']?.mapping.service_name).toBe('remark')
  })

  it('works from a recording', async () => {
    portal = (await PORTALS.socrata?.())?.portal as RunningPortal
    const folder = await mkdtemp(join(tmpdir(), 'wardbook-recording-'))
    const recording = recordingFetch(fetch, folder)
    await discover({ portal: portal.url, limit: 10, tools: trialTools({}, recording.fetch) })
    await recording.finish()
    const asked = portal.requests.length
    expect((await discovered(portal.url, '--mirror', folder, '--json')).out).toHaveLength(3)
    expect(portal.requests).toHaveLength(asked)
    await rm(folder, { recursive: true })
  })

  it.each([
    ['ftp://data.example.gov', 'bad-portal-address'],
    ['not an address', 'bad-portal-address'],
  ])('refuses the address %s', async (address, said) => {
    portal = await startSocrataPortal(() => [])
    const { code, err } = await discovered(address)
    expect([code, err]).toEqual([78, expect.stringContaining(said)])
  })

  it('says which portals it knows where none of them answers', async () => {
    portal = await startSocrataPortal(
      () => [],
      {},
      {
        alter: (_request, answer) => ({ ...answer, status: 404, body: ['nothing'] }),
      },
    )
    const { code, err } = await discovered(portal.url)
    expect([code, err]).toEqual([78, expect.stringContaining('portal-unknown')])
  })

  it('says that the folder of a mirror is missing, and nothing of the portal that was not asked', async () => {
    portal = await startSocrataPortal(() => [])
    const { code, err } = await discovered(
      'https://data.example.org',
      '--mirror',
      join(tmpdir(), 'no-such-folder'),
    )
    expect([code, err]).toEqual([78, expect.stringContaining('mirror-missing')])
  })

  it('names the layer of an ArcGIS service that it found', async () => {
    const started = await PORTALS.arcgis?.()
    portal = started?.portal as RunningPortal
    const { out } = await discovered(`${portal.url}${ARCGIS_SERVICE_PATH}`, '--json')
    expect(JSON.parse(out[0] ?? '').block).toContain(`service: ${portal.url}${ARCGIS_SERVICE_PATH}`)
  })
})
