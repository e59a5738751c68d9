import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { adoptions } from './adopt.js'
import { buckets } from './bucket.js'
import { histories } from './histories.js'
import { type Suite, tally } from './verdict.js'
import { wholeLakes } from './whole-lakes.js'

const SUITES: Readonly<Record<string, Suite>> = {
  'whole lakes': wholeLakes,
  'one history': histories,
  'a bucket': buckets,
  adopt: adoptions,
}

/**
 * `npm run interop [-- 'one history' …]`: an engine nobody here wrote reads our tables and must see the same types, rows and values, at every version and
 * after everything that may have happened to them. Ends with `interop: N passed, N failed`.
 */
async function main(wanted: readonly string[]): Promise<number> {
  let [passed, failed] = [0, 0]
  for (const [name, suite] of Object.entries(SUITES)) {
    if (wanted.length > 0 && !wanted.includes(name)) continue
    const folder = await mkdtemp(join(tmpdir(), 'wardbook-interop-'))
    try {
      const counts = await tally(name, suite(folder))
      passed += counts.passed
      failed += counts.failed
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  }
  process.stdout.write(`interop: ${passed} passed, ${failed} failed\n`)
  return failed === 0 && passed > 0 ? 0 : 1
}

process.exitCode = await main(process.argv.slice(2))
