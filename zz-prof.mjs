import { mkdirSync, createReadStream, readdirSync, rmSync } from 'node:fs'
const cpu=()=>{const u=process.resourceUsage();return (u.userCPUTime+u.systemCPUTime)/1e6}
const c00=cpu()
const D='/work/wb-ingestperf/dist/'
const {PageSplitter}=await import(D+'ingest/split-pages.js'); const {divisionFromColumn}=await import(D+'ingest/division-rule.js')
const {openEngine,LEAN,withEngine}=await import(D+'lake/duckdb/engine.js'); const {copyPartSql,contentSql,footerRowsSql}=await import(D+'ingest/write-sql.js'); const {readStats}=await import(D+'lake/duckdb/stats.js'); const {planDivisions}=await import(D+'ingest/plan-parts.js')
const f='/var/tmp/wbip/b.csv'
console.log('imports',(cpu()-c00).toFixed(2), 'since process start', cpu().toFixed(2))
let a=cpu(); const s=await PageSplitter.open('/var/tmp/wbip/o/z',divisionFromColumn({column:'council_district',values:{}}))
await s.take({page:0,url:'x',delimiter:',',emptyIsNull:false,bytes:createReadStream(f,{highWaterMark:1<<18})}); const r=await s.finish(); console.log('split',(cpu()-a).toFixed(2))
const columns=r.layouts[0].header.map(n=>n==='council_district'?n+'_published':n)
const job={columns,layouts:[{...r.layouts[0],columns}],parquet:{compressionLevel:Number(process.argv[2]??1),encodings:process.argv[3]??"common"},csvReader:process.argv[4]??"serial"}
const stored=[...columns.map(name=>({name,type:'string'})),{name:'_row_hash',type:'long'},{name:'_source_page',type:'integer'}]
const T={}; const t=async(n,fn)=>{const a=cpu();const v=await fn();T[n]=(T[n]??0)+cpu()-a;return v}
const {parts}=planDivisions(r.divisions,{maxRows:1e6,maxUncompressedBytes:1<<28})
for(const p of parts){ const file='/var/tmp/wbip/o/p.parquet'
 const {engine,close}=await t('open',()=>openEngine(LEAN,'/var/tmp/wbip/tmp'))
 await t('copy',()=>engine.run(copyPartSql(job,p,file)))
 await t('footer',()=>engine.rows(footerRowsSql(file)))
 await t('stats',()=>readStats(engine,file,p.rows,stored))
 await t('content',()=>engine.rows(contentSql(file)))
 await t('close',async()=>close()) }
console.log(parts.length,'parts',Object.fromEntries(Object.entries(T).map(([k,v])=>[k,+v.toFixed(2)])))
rmSync('/var/tmp/wbip/o/z',{recursive:true})
