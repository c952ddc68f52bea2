-- Add what a worker measured to the ledger's histograms. ARGV: field and number, pair by pair
for i = 1, #ARGV, 2 do redis.call('HINCRBY', 'ink:measures', ARGV[i], ARGV[i + 1]) end
return #ARGV / 2
