import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { OLDEST_NODE, RELEASE } from './release.js'

describe('the release', () => {
  it('is what package.json says', () => {
    const file = join(import.meta.dirname, '..', '..', 'package.json')
    const { version, engines } = JSON.parse(readFileSync(file, 'utf8'))
    expect({ version, node: engines.node }).toEqual({ version: RELEASE, node: `>=${OLDEST_NODE}` })
  })
})
