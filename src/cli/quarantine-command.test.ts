import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { makeLake, type TestLake } from '../../testkit/lake-fixture.js'
import { harmonize, ingest, testCity, writeFiles } from '../../testkit/test-city.js'
import { decisionKey } from '../contracts/quarantine-decision.js'
import { runCommandLine } from './program.js'

const HEADER = 'id,District,Type,Opened\n'
const LINES = Array.from({ length: 9 }, (_, at) => `${at},${(at % 3) + 1},Pothole,2026-01-05\n`).join('')
const LONG = `z,"1,${'a'.repeat(300)}`

let lake: TestLake
let folder: string
beforeEach(async () => {
  lake = await makeLake()
  await lake.store.put('lake.json', new TextEncoder().encode('{"formatVersion":2,"city":"testville"}'))
  folder = await mkdtemp(join(tmpdir(), 'wardbook-quarantine-'))
  await writeFiles(folder, {
    'calls.csv': `${HEADER}${LINES}x,1,Pothole\ny,2,Pothole\n${LONG}\nw,1,Pothole,when\n`,
  })
  const city = testCity()
  await writeFile(join(folder, 'city.yaml'), stringify(city))
  await ingest(lake.store, city, { mirror: folder })
  await harmonize(lake.store, city)
})
afterEach(async () => {
  await lake.remove()
  await rm(folder, { recursive: true, force: true })
})

async function quarantine(command: string, ...argv: string[]) {
  const [out, err]: [string[], string[]] = [[], []]
  const streams = { out: (line: string) => out.push(line), err: (line: string) => err.push(line) }
  const given = ['quarantine', command, join(folder, 'city.yaml'), ...argv, '--lake', lake.folder]
  return { code: await runCommandLine(given, streams), out, err: err.join('\n') }
}

describe('wardbook quarantine list', () => {
  it('counts rows by stage, source and reason, with an example and its place', async () => {
    const { code, out } = await quarantine('list')
    expect(code).toBe(0)
    expect(out).toEqual([
      expect.stringMatching(
        /^ingest {5}calls\/portal: 2 rows, too-few-columns; e\.g\. .*calls\.csv, line 11, byte \d+: 3 columns.*\n {4}"x,1,Pothole"$/,
      ),
      expect.stringMatching(/^ingest {5}calls\/portal: 1 row, unclosed-quote/),
      expect.stringMatching(/^harmonize {2}calls\/portal: 1 row, /),
    ])
  })

  it('prints rows where they are asked for, cut for people and whole for programs', async () => {
    const { out } = await quarantine('list', '--rows', '2')
    expect(out).toHaveLength(3 + 4)
    expect(out.join('\n')).not.toContain('a'.repeat(250))
    const lines = (await quarantine('list', '--rows', '2', '--json')).out.map((line) => JSON.parse(line))
    expect(lines.find(({ raw_text }) => raw_text === LONG)).toMatchObject({
      ...{ stage: 'ingest', dataset: 'calls', source: 'portal', reason: 'unclosed-quote', line: 13 },
    })
  })

  it('refuses a source that the city file does not have, and says which it has', async () => {
    const { code, err } = await quarantine('list', 'calls/other')
    expect(code).toBe(78)
    expect(err).toContain('calls/portal')
  })
})

describe('wardbook quarantine forget', () => {
  const decide = async (revision: number, rawText: string, correctedText: string) => {
    const text = JSON.stringify({ v: 1, rawText, correctedText, decidedAt: '2026-06-01T00:00:00Z' })
    const key = decisionKey('calls', 'portal', rawText, revision)
    await lake.store.createIfAbsent(key, new TextEncoder().encode(text))
  }
  const kept = async () => {
    const keys: string[] = []
    for await (const { key } of lake.store.list('inbox/')) keys.push(key)
    return keys
  }
  beforeEach(async () => {
    await decide(0, 'x,1,Pothole', 'x,1,Pothole,2026-01-06')
    await decide(1, 'x,1,Pothole', 'x,1,Pothole,2026-01-07')
    await decide(0, 'y,2,Pothole', 'y,2,Pothole,2026-01-06')
  })

  it('lists what would go, in lines that a file of corrections takes, and removes nothing', async () => {
    const { code, out } = await quarantine('forget', 'calls/portal', '--all', '--dry-run', '--json')
    const lines = out.map((line) => JSON.parse(line))
    expect(code).toBe(0)
    expect(lines).toContainEqual(
      expect.objectContaining({
        ...{ kind: 'result', raw_text: 'x,1,Pothole', corrected_text: 'x,1,Pothole,2026-01-07' },
        objects: 2,
      }),
    )
    expect(lines.at(-1)).toEqual({
      kind: 'result',
      forgotten: { name: 'calls/portal', dryRun: true, decisions: 2, objects: 3, unknown: 0 },
    })
    expect(await kept()).toHaveLength(3)
  })

  it('removes every decision about the texts of a file, and says what it does not know', async () => {
    const texts = join(folder, 'texts.csv')
    await writeFile(texts, 'raw_text\n"x,1,Pothole"\nother\n')
    const { code, out, err } = await quarantine('forget', 'calls/portal', '--texts', texts)
    expect([code, out.at(-1)]).toEqual([
      0,
      'calls/portal: 1 decision forgotten; about 1 of the texts nothing was decided',
    ])
    expect(err).toContain('wardbook quarantine replay')
    expect(await kept()).toEqual([decisionKey('calls', 'portal', 'y,2,Pothole', 0)])
  })

  it('removes all, also what is no decision', async () => {
    const key = decisionKey('calls', 'portal', 'z', 0)
    await lake.store.put(key, new TextEncoder().encode('{'))
    const { out } = await quarantine('forget', 'calls/portal', '--all')
    expect(out.at(-1)).toBe('calls/portal: 3 decisions forgotten')
    expect(await kept()).toEqual([])
  })

  it.each([
    ['nothing to choose by', ['calls/portal'], 64],
    ['two choices', ['calls/portal', '--all', '--texts', 'x'], 64],
    ['a source that is not there', ['calls/other', '--all'], 78],
    ['a file that is not there', ['calls/portal', '--texts', 'nowhere'], 78],
  ])('refuses %s, and removes nothing', async (_what, argv, code) => {
    expect((await quarantine('forget', ...argv)).code).toBe(code)
    expect(await kept()).toHaveLength(3)
  })
})

describe('wardbook quarantine replay (needs the built dist/)', () => {
  it('takes lines of the list with what they were meant to be, and reads the source again', async () => {
    const listed = (await quarantine('list', '--rows', '9', '--json')).out
    const given = listed.map((line) => {
      const row = JSON.parse(line)
      return row.raw_text === 'x,1,Pothole' ? { ...row, corrected_text: 'x,1,Pothole,2026-01-06' } : row
    })
    const corrections = join(folder, 'corrections.ndjson')
    await writeFile(corrections, given.map((row) => JSON.stringify(row)).join('\n'))
    const replayed = await quarantine(
      ...(['replay', 'calls/portal', '--mirror', folder, '--corrections', corrections] as const),
    )
    expect(replayed).toMatchObject({
      code: 0,
      out: ['calls/portal: 1 new corrections kept, 0 known; 3 rows could not be read before, 2 now'],
    })
    const csv = join(folder, 'more.txt')
    await writeFile(csv, 'corrected_text,raw_text\n"y,2,Pothole,2026-01-06","y,2,Pothole"\n')
    const again = await quarantine(
      'replay',
      'calls/portal',
      '--mirror',
      folder,
      '--corrections',
      csv,
      '--json',
    )
    expect(again.out.map((line) => JSON.parse(line)).at(-1)).toEqual({
      kind: 'result',
      replayed: { name: 'calls/portal', decided: 1, known: 0, before: 2, after: 1 },
    })
  })

  it.each([
    ['no JSON', '{"raw_text"', 'line 1 is no JSON'],
    ['no raw text', '{"corrected_text":"a"}', 'line 1: corrected_text without raw_text'],
    ['two minds', '{"raw_text":"a","corrected_text":"b"}\n{"raw_text":"a","corrected_text":"c"}', 'line 2'],
    ['other columns', 'raw,corrected\na,b\n', 'raw_text'],
    ['an unknown row', '{"raw_text":"a","corrected_text":"b"}', 'no row of calls/portal'],
    ['no file', undefined, 'ENOENT'],
  ])('refuses corrections with %s, and keeps none', async (_what, text, said) => {
    const corrections = join(folder, 'corrections')
    if (text !== undefined) await writeFile(corrections, text)
    const { code, err } = await quarantine('replay', 'calls/portal', '--corrections', corrections)
    expect([code, err]).toEqual([78, expect.stringContaining(said)])
  })
})
