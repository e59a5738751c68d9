import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { startFileServer } from '../../testkit/file-server.js'
import { makeLake } from '../../testkit/lake-fixture.js'
import { TRIAL_TYPES, trialRows, trialTable } from '../../testkit/portal-trial.js'
import { ingest, testCity, writeFiles } from '../../testkit/test-city.js'
import { startSocrataPortal } from '../demo/portals/socrata/socrata-portal.js'
import { exitCodeOfCity } from '../main/check-city.js'
import { runCommandLine } from './program.js'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wardbook-check-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

async function check(city: object, ...argv: string[]) {
  await writeFile(join(folder, 'city.yaml'), stringify(city))
  const [out, err]: [string[], string[]] = [[], []]
  const streams = { out: (line: string) => out.push(line), err: (line: string) => err.push(line) }
  const code = await runCommandLine(['city', 'check', join(folder, 'city.yaml'), ...argv], streams)
  return { code, out, err: err.join('\n') }
}

const HEADER = 'id,District,Type,Opened,Note\n'
const LINES = '1,7,Pothole,2026-01-05,\n'

describe('wardbook city check', () => {
  it('says line by line what of the file the portal has, and what the portal has besides', async () => {
    const portal = await startSocrataPortal(() => [trialTable(TRIAL_TYPES, trialRows(12))])
    const source = { family: 'socrata', portal: portal.url, datasets: ['abcd-1234'] }
    const city = testCity({
      source,
      dataset: {
        ...{ partition: { column: 'council_district', from: 'note' }, key: 'sr_nmber' },
        mapping: { service_name: ['type', 'note'], requested_at: { from: 'opened', formats: ['%Y'] } },
      },
    })
    const { code, out } = await check(city)
    await portal.close()
    expect(code).toBe(65)
    expect(out).toEqual([
      'ok         calls/portal  answer: 1 table, 12 rows, last changed 2026-01-31',
      'ok         calls/portal  division: note',
      expect.stringMatching(
        /^NOT OK {5}calls\/portal {2}key: no column sr_nmber .* → did you mean sr_number\?/,
      ),
      'ok         calls/portal  mapping.service_name: type or note',
      'ok         calls/portal  mapping.requested_at: opened',
      'note       calls/portal  other columns: the city file names no use for: sr_number, amount, emergency, place',
    ])
    expect(
      portal.requests.filter(({ path, query }) => path.startsWith('/resource/') && !query.has('$select')),
    ).toEqual([])
  })

  it('names years that the portal does not list', async () => {
    const portal = await startSocrataPortal(() => [
      trialTable(TRIAL_TYPES, trialRows(2), { name: 'Calls 2024' }),
    ])
    const find = { name: 'Calls {year}', from: 2024, through: 2025 }
    const { code, out } = await check(testCity({ source: { family: 'socrata', portal: portal.url, find } }))
    await portal.close()
    expect(code).toBe(65)
    expect(out[1]).toMatch(/^NOT OK {5}calls\/portal {2}years: .*Calls 2025/)
  })

  it('reads the start of a plain file only', async () => {
    const server = await startFileServer()
    const body = `${HEADER}${LINES.repeat(400_000)}`
    server.serve('/one.csv', { body })
    server.serve('/two.csv', { body })
    const urls = ['one', 'two'].map((name) => `${server.url}/${name}.csv`)
    const { code, out } = await check(testCity({ source: { family: 'files', urls } }))
    await server.close()
    expect(out).toContain('note       calls/portal  other columns: the city file names no use for: Note')
    expect(code).toBe(0)
  })

  it('says what is new and what vanished since the last snapshot', async () => {
    const lake = await makeLake()
    await lake.store.put('lake.json', new TextEncoder().encode('{"formatVersion":2,"city":"testville"}'))
    await writeFiles(folder, { 'calls.csv': HEADER + LINES })
    await ingest(lake.store, testCity(), { mirror: folder })
    const same = await check(testCity(), '--mirror', folder, '--lake', lake.folder)
    expect(same.out.at(-1)).toMatch(/^ok .*since last read/)
    await writeFiles(folder, { 'calls.csv': 'id,District,Type,Opened,Remark\n' })
    const { out } = await check(testCity(), '--mirror', folder, '--lake', lake.folder)
    await lake.remove()
    expect(out.at(-1)).toMatch(/^note .*new columns: Remark; vanished columns: Note$/)
  })

  it('says as a check what a source meets, and ends with its exit code', async () => {
    const { code, out } = await check(testCity(), '--mirror', join(folder, 'nothing'), '--json')
    expect(code).toBe(78)
    expect(JSON.parse(out[0] ?? '')).toMatchObject({ kind: 'result', check: 'answer', state: 'unfit' })
    const silent = {
      dataset: 'a',
      source: 'b',
      check: 'answer',
      state: 'unreachable',
      message: '',
      facts: {},
    } as const
    expect(exitCodeOfCity([silent])).toBe(75)
  })
})
