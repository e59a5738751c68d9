import { readFileSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serveLists } from '../demo/score/api-server.fixture.js'
import { planted, seriesOf, told, truthOf } from '../demo/score/score.fixture.js'
import { runCommandLine } from './program.js'

const findings = [told('2025-03-03', { index: 0 }), told('2024-01-01', { index: 1 })]

let folder: string
let server: Awaited<ReturnType<typeof serveLists>>
let truth: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wardbook-score-'))
  truth = join(folder, 'truth.json')
  await writeFile(truth, JSON.stringify(truthOf([planted()])))
  server = await serveLists({ findings, series: seriesOf(), pageSize: 1 })
})
afterAll(async () => {
  await server.close()
  await rm(folder, { recursive: true, force: true })
})

async function run(...argv: string[]) {
  const out: string[] = []
  const err: string[] = []
  const streams = { out: (line: string) => out.push(line), err: (line: string) => err.push(line) }
  const code = await runCommandLine(['demo', 'score', ...argv], streams)
  return { code, out: out.join('\n'), err: err.join('\n') }
}

const score = (...argv: string[]) => run('--url', server.url, '--truth', truth, ...argv)

describe('wardbook demo score', () => {
  it('prints the score of a running server, and ends with 0', async () => {
    const { code, out, err } = await score()
    expect(out).toMatch(/planted events found, of counts +100 % +1 of 1/)
    expect(out).toMatch(/findings that are right, of counts +50 % +1 of 2/)
    expect([code, err]).toEqual([0, ''])
  })

  it('gives the whole score as one JSON object with --json', async () => {
    const { code, out } = await score('--json')
    const line = JSON.parse(out)
    expect(line).toMatchObject({
      kind: 'result',
      score: { city: 'Testville', counts: { recall: { share: 1 } } },
    })
    expect(line.score.events).toHaveLength(1)
    expect(line.score.findings).toHaveLength(2)
    expect(code).toBe(0)
  })

  it('writes the page where it is asked to, and says when it cannot', async () => {
    const file = join(folder, 'deep', 'score.html')
    const { code, err } = await score('--html', file)
    expect([code, err]).toEqual([0, `page: ${file}`])
    expect(await readFile(file, 'utf8')).toContain('<strong>Testville is a simulated city.</strong>')
    const refused = await score('--html', join(truth, 'score.html'))
    expect(refused).toMatchObject({ code: 78, err: expect.stringContaining('page-not-written') })
  })

  it('ends with 1 under a floor, and says which', async () => {
    expect((await score('--fail-under', 'recall=1,precision=0.5')).code).toBe(0)
    const { code, out } = await score('--fail-under', 'recall=1,precision=0.8')
    expect(code).toBe(1)
    expect(out).toContain('under the floor: precision is 0.5, at least 0.8 was asked for')
    const lines = (await score('--fail-under', 'precision=0.8', '--json')).out.split('\n')
    expect(JSON.parse(lines[1] ?? '')).toEqual({
      kind: 'result',
      underFloors: [{ figure: 'precision', share: 0.5, floor: 0.8 }],
    })
  })

  it('ends with 75 where nobody answers, and says how to start a server', async () => {
    const gone = await serveLists({ findings: [] })
    await gone.close()
    const { code, err } = await run('--url', gone.url, '--truth', truth)
    expect(code).toBe(75)
    expect(err).toContain(`api-unreachable: nobody answers at ${gone.url}`)
  })

  it('ends with 78 for a server that lacks a list, or shows another city', async () => {
    const older = await serveLists({ findings: [] })
    expect(await run('--url', older.url, '--truth', truth)).toMatchObject({
      code: 78,
      err: expect.stringContaining('api-unusable'),
    })
    await older.close()
    const other = await serveLists({
      findings: [],
      series: seriesOf().map((one) => ({ ...one, dataset: 'x' })),
    })
    expect(await run('--url', other.url, '--truth', truth)).toMatchObject({
      code: 78,
      err: expect.stringContaining('truth-of-other-city'),
    })
    await other.close()
  })

  it.each([
    ['is not there', undefined],
    ['is no JSON', '{'],
    ['is something else', '{"city":"Testville"}'],
  ])('ends with 78 for a truth that %s', async (_what, text) => {
    const file = join(folder, `bad-${text?.length}.json`)
    if (text !== undefined) await writeFile(file, text)
    const { code, err } = await run('--url', server.url, '--truth', file)
    expect(code).toBe(78)
    expect(err).toContain('truth-unusable')
    expect(err).toContain(file)
  })

  it.each([
    ['--fail-under', 'recall=2'],
    ['--fail-under', 'speed=0.5'],
    ['--url', 'localhost'],
  ])('refuses %s %s as a wrong flag', async (flag, value) => {
    const { code, err } = await run(flag, value)
    expect(code).toBe(64)
    expect(err).toContain(value)
  })

  it('leaves wardbook demo its own flags, and refuses what is no command of it', async () => {
    const help = await runCommandLine(['demo', '--once', '--help'], { out: () => {}, err: () => {} })
    expect(help).toBe(0)
    expect(await runCommandLine(['demo', 'scroe'], { out: () => {}, err: () => {} })).toBe(64)
    expect((await run('--once')).code).toBe(64)
  })

  it('has every flag in docs/cli.md', async () => {
    const doc = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'cli.md'), 'utf8')
    const line = doc.split('\n').find((one) => one.startsWith('| `wardbook demo score`')) ?? ''
    const { out } = await run('--help')
    const flags = [...out.matchAll(/^ {2}(--[a-z-]+) </gm)].map((match) => match[1] as string)
    expect(flags).toEqual(['--url', '--truth', '--html', '--fail-under'])
    for (const flag of flags) expect(line).toContain(`\`${flag}\``)
  })
})
