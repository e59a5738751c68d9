import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { stringify } from 'yaml'
import { type FakeS3, type FakeS3Options, startFakeS3 } from '../../testkit/fake-s3/server.js'
import { runCommandLine } from './program.js'

/** Runs a command line and keeps what it says. */
async function run(...argv: string[]) {
  const out: string[] = []
  const err: string[] = []
  const code = await runCommandLine(argv, { out: (line) => out.push(line), err: (line) => err.push(line) })
  return { code, out: out.join('\n'), err: err.join('\n') }
}

describe('the command line and the store of a lake', () => {
  let folder: string
  let fake: FakeS3 | undefined
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'wardbook-doctor-cli-'))
    await writeFile(join(folder, 'requests.csv'), 'opened,type,ward\n2026-01-05,Pothole,1\n')
    const requests = {
      ...{ name: 'Requests', kind: 'service-requests', partition: { column: 'ward' } },
      sources: { all: { family: 'files', mirror: ['*.csv'] } },
      mapping: { service_name: 'type', requested_at: { from: 'opened', formats: ['%Y-%m-%d'] } },
    }
    const city = { city: { slug: 'tiny', name: 'Tiny', timeZone: 'UTC' }, datasets: { requests } }
    await writeFile(join(folder, 'tiny.yaml'), stringify(city))
  })
  afterEach(async () => {
    vi.unstubAllEnvs()
    await fake?.close()
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  const startBucket = async (options: FakeS3Options = {}) => {
    fake = await startFakeS3(options)
    vi.stubEnv('WARDBOOK_S3_ENDPOINT', fake.endpoint)
    vi.stubEnv('WARDBOOK_SCRATCH', join(folder, 'scratch'))
    vi.stubEnv('AWS_ACCESS_KEY_ID', fake.credentials.accessKeyId)
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', fake.credentials.secretAccessKey)
    return fake
  }
  const runTiny = (...flags: string[]) =>
    run('run', join(folder, 'tiny.yaml'), '--mirror', folder, '--lake', 's3://lake/tiny', ...flags)

  const catchUpTiny = () => run('catch-up', join(folder, 'tiny.yaml'), '--lake', 's3://lake/tiny')

  it('doctor says one line a check, and ends with 0 when all is fit', async () => {
    const { code, out } = await run('doctor', '--lake', join(folder, 'lake'))
    expect(code).toBe(0)
    expect(out.split('\n').map((line) => /^ok +(\S+) +\S/.exec(line)?.[1])).toEqual([
      ...['node', 'scratch', 'engine', 'reach', 'hard-links', 'rights', 'clock', 'create-if-absent'],
    ])
    expect(existsSync(join(folder, 'lake'))).toBe(false)
  })

  it('doctor says the same as one object a line, and ends with 78 for a bucket that lies', async () => {
    await startBucket({ ignoresConditions: true })
    const { code, out } = await run(
      'doctor',
      '--lake',
      's3://lake/tiny',
      '--racers',
      '4',
      '--rounds',
      '1',
      '--json',
    )
    const lines = out.split('\n').map((line) => JSON.parse(line))
    expect(code).toBe(78)
    expect(lines.find(({ check }) => check === 'create-if-absent')).toMatchObject({
      ...{ kind: 'result', state: 'unfit', todo: expect.stringContaining('--single-writer') },
      facts: { code: 'store-lies', racers: 4, rounds: 1 },
    })
    const forPeople = await run('doctor', '--lake', 's3://lake/tiny', '--racers', '4', '--rounds', '1')
    expect(forPeople.out).toMatch(/^NOT FIT +create-if-absent +not kept in .* → use another store/m)
  })

  it('doctor refuses numbers that make no race', async () => {
    const { code, err } = await run('doctor', '--racers', '1')
    expect([code, err]).toEqual([64, expect.stringContaining('use 2 to 64')])
  })

  it('run and catch-up refuse a bucket that lies before they write to it', async () => {
    const { names } = await startBucket({ ignoresConditions: true })
    for (const command of [runTiny, catchUpTiny]) {
      const { code, err } = await command()
      expect([code, err]).toEqual([78, expect.stringMatching(/error store-lies: .*--single-writer/)])
      expect(names()).toEqual(['tiny/doctor/verdict.json'])
    }
  })

  it('run takes a bucket that lies when nobody else writes, and leaves the lake of another city alone', async () => {
    const { names, store, object } = await startBucket({ ignoresConditions: true })
    const other = '{"formatVersion":1,"city":"other"}'
    store('tiny/lake.json', Buffer.from(other))
    expect((await runTiny('--single-writer')).err).toContain('lake-of-other-city')
    expect(String(object('tiny/lake.json')?.bytes)).toBe(other)
    const { code, err } = await run(
      'run',
      join(folder, 'tiny.yaml'),
      '--mirror',
      folder,
      '--lake',
      's3://lake/mine',
      '--single-writer',
    )
    expect([code, err]).toEqual([0, expect.stringContaining('committed snapshot 0: 1 rows')])
    expect(names('mine/ledger/').length).toBeGreaterThan(0)
    expect(names('mine/doctor/')).toEqual([])
  })

  it('run takes an honest bucket, which is raced once', async () => {
    const { names, seen, forget } = await startBucket()
    expect((await runTiny()).code).toBe(0)
    expect(names('tiny/doctor/')).toEqual(['tiny/doctor/verdict.json'])
    forget()
    expect((await catchUpTiny()).code).toBe(0)
    expect(seen.filter(({ name }) => name.includes('/doctor/')).map(({ verb }) => verb)).toEqual(['GET'])
  })
})
