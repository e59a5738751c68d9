import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { prefixesMarkdown } from '../src/lake/prefixes-doc.js'

/** `npx tsx testkit/renew-prefixes-doc.ts`: writes docs/prefixes.md anew after the prefix table has changed. */
await writeFile(join(import.meta.dirname, '..', 'docs', 'prefixes.md'), prefixesMarkdown())
