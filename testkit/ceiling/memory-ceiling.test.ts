import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeCeiling } from './memory-ceiling.js'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'wardbook-ceiling-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

/** A process that keeps so many MiB. */
function keep(mib: number, ceilingMib: number): number | null {
  const ceiling = makeCeiling(folder, ceilingMib)
  try {
    const script = `const kept = []; for (let i = 0; i < ${mib / 10}; i++) kept.push(Buffer.alloc(1e7, 1))`
    return spawnSync(ceiling.nodePath, ['-e', script], { stdio: 'ignore' }).status
  } finally {
    ceiling.remove()
  }
}

describe('a memory ceiling', () => {
  it('lets a process work below it', () => {
    expect(keep(100, 300)).toBe(0)
  })

  it('ends a process that takes more', () => {
    expect(keep(600, 200)).not.toBe(0)
  })
})
