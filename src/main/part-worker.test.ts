import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { makeLake, type TestLake } from '../../testkit/lake-fixture.js'
import { childPartRunner } from './part-worker.js'

const NOTHING = {
  ...{ table: 'raw/a/b', snapshot: 0, columns: [], partitionColumn: 'd', layouts: [], parts: [], live: [] },
  compressionLevel: 1,
}
const DONE = { rows: 0, parts: [], kept: [] }

describe('part tasks in child processes', () => {
  let lake: TestLake
  let pids: number[]
  beforeEach(async () => {
    lake = await makeLake()
    pids = []
  })
  afterEach(() => lake.remove())

  const runner = () => childPartRunner(lake.folder, { onStart: (pid) => pids.push(pid) })

  it('run each in a process of its own', async () => {
    const parts = runner()
    expect(await parts.run('ingest.write', NOTHING)).toEqual(DONE)
    expect(await parts.run('ingest.write', NOTHING)).toEqual(DONE)
    expect(new Set(pids).size).toBe(2)
  })

  it('wait for a lane, whatever became of the job before', async () => {
    const parts = childPartRunner(lake.folder, { onStart: (pid) => pids.push(pid) }, 1)
    expect(parts.lanes).toBe(1)
    const started = () => pids.length
    const jobs = [
      parts.run('no-such-task', {}),
      parts.run('ingest.write', NOTHING),
      parts.run('ingest.write', NOTHING),
    ]
    const seen = jobs.map((job) => job.then(started, started))
    expect(started()).toBe(1)
    expect(await Promise.all(seen)).toEqual([2, 3, 3]) // the next one has begun by then
  })

  it('take the process that was started for them, once', async () => {
    const parts = runner()
    parts.expect?.('ingest.write', 2)
    parts.expect?.('ingest.write', 2)
    expect(pids).toHaveLength(2)
    const both = [parts.run('ingest.write', NOTHING), parts.run('ingest.write', NOTHING)]
    expect(await Promise.all(both)).toEqual([DONE, DONE])
    expect(pids).toHaveLength(2)
    expect(await parts.run('ingest.write', NOTHING)).toEqual(DONE)
    expect(pids).toHaveLength(3)
  })

  it('are done also when the process that waited for them has died', async () => {
    const parts = runner()
    parts.expect?.('ingest.write', 1)
    process.kill(pids[0] as number, 'SIGKILL')
    await expect.poll(() => isAlive(pids[0] as number)).toBe(false)
    expect(await parts.run('ingest.write', NOTHING)).toEqual(DONE)
  })

  it('that were expected and never came keep nobody waiting and leave no process', async () => {
    const script =
      `const { childPartRunner } = await import(${JSON.stringify(new URL('../../dist/main/part-worker.js', import.meta.url).href)})\n` +
      `childPartRunner(${JSON.stringify(lake.folder)}, { onStart: (pid) => console.log(pid) }).expect('ingest.write', 1)`
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
      timeout: 20_000,
    })
    await expect.poll(() => isAlive(Number(stdout)), { timeout: 20_000 }).toBe(false)
  })

  it('load no library of schemas to write the parts of a lake in a folder: it would take 13 MiB of their memory', async () => {
    const module = (name: string) => JSON.stringify(new URL(`../../dist/${name}.js`, import.meta.url).href)
    const tells =
      'export const resolve = async (name, context, next) => { const found = await next(name, context); console.log(found.url); return found }'
    const script = `
      import { register } from 'node:module'
      register('data:text/javascript,' + encodeURIComponent(${JSON.stringify(tells)}))
      const { openStore } = await import(${module('main/open-store')})
      await openStore(${JSON.stringify(lake.folder)})
      await import(${module('main/part-worker')})
      await import(${module('ingest/write-parts')})`
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script])
    const loaded = stdout.split('\n')
    expect(loaded.filter((url) => /\/(write-parts|local-store)\.js$/.test(url)).length).toBeGreaterThan(1)
    expect(loaded.filter((url) => url.includes('/zod/'))).toEqual([])
  })
})

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
