-- needs: claiming
-- args and answer as `claiming.claim`
return claiming.claim(args)
