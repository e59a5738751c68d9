import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type ChildOptions, ChildWorker } from './child.js'

/** Workers are named below dist/; these lie beside the test. */
const WORKER = '../src/kernel/testdata/worker'

const runInChild = (worker: string, job: object, options?: ChildOptions) =>
  new ChildWorker(worker, [], options).run(job)

describe('a job in a child process', () => {
  it('gives back what the worker answered, as JSON carries it', async () => {
    const value = { text: 'Ward "3"\n🏙', list: [1, null, { deep: true }] }
    expect(await run({ what: 'answer', value })).toEqual(value)
    expect(await run({ what: 'answer' })).toBeUndefined()
  })

  it('may be started through another executable, and tells its process', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'wardbook-child-'))
    const nodePath = join(folder, 'node.sh')
    const seen = join(folder, 'seen')
    writeFileSync(nodePath, `#!/bin/sh\necho $$ > '${seen}' && exec '${process.execPath}' "$@"\n`, {
      mode: 0o755,
    })
    let started: number | undefined
    const options = {
      nodePath,
      onStart: (pid: number) => {
        started = pid
      },
    }
    expect(await runInChild(WORKER, { what: 'answer', value: 7 }, options)).toBe(7)
    expect(Number(readFileSync(seen, 'utf8'))).toBe(started)
    rmSync(folder, { recursive: true })
  })

  it("fails with the worker's own error: code, remedy, message, facts, and where it began", async () => {
    const error = await run({ what: 'fail' }).catch((thrown) => thrown as Error)
    expect(error).toMatchObject({
      name: 'WardbookError',
      code: 'part-too-large',
      remedy: 'shrink',
      message: 'one key has too many rows',
      facts: { key: '7', rows: 5 },
    })
    expect(((error as Error).cause as Error).stack).toContain('worker')
  })

  it('fails with unforeseen for an error that is none of ours', async () => {
    const bug = { code: 'unforeseen', remedy: 'report-bug', message: 'no such property' }
    await expect(run({ what: 'bug' })).rejects.toMatchObject(bug)
  })

  it.each([
    ['ends', { what: 'exit' }, { code: 3 }, 'ended with code 3'],
    ['is killed', { what: 'kill' }, { signal: 'SIGKILL' }, 'ended by SIGKILL'],
  ])('fails with worker-died when the worker %s without an answer', async (_how, job, facts, named) => {
    await expect(run(job)).rejects.toMatchObject({
      code: 'worker-died',
      remedy: 'retry',
      facts,
      message: expect.stringContaining(named),
    })
  })

  it('fails with worker-died when the worker is gone before it takes a job', async () => {
    const died = { code: 'worker-died', remedy: 'retry' }
    await expect(runInChild('../src/kernel/testdata/deaf', { what: 'answer' })).rejects.toMatchObject(died)
  })

  it('is ended by its caller', async () => {
    const abort = new AbortController()
    const running = runInChild(WORKER, { what: 'wait' }, { signal: abort.signal })
    abort.abort()
    await expect(running).rejects.toMatchObject({ name: 'AbortError' })
  })

  it('runs beside others', async () => {
    const values = [1, 2, 3, 4]
    expect(await Promise.all(values.map((value) => run({ what: 'answer', value })))).toEqual(values)
  })

  it('says what to run when the worker was not built', async () => {
    const missing = {
      code: 'not-built',
      remedy: 'fix-config',
      message: expect.stringContaining('npm run build'),
    }
    await expect(async () => runInChild('main/no-such-worker', {})).rejects.toMatchObject(missing)
  })
})

function run(job: object): Promise<unknown> {
  return runInChild(WORKER, job)
}
