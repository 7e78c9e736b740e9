# METADATA
# title: Characters and names of the grammar
# description: >-
#   What the grammar of references decides character by character. Generated from it, never edited by hand:
#   `python -m release.policies characters > policies/keyhole/characters.rego` writes it anew. Unicode 14.0.0.
package keyhole.characters

import rego.v1

# What is cut off at the edges of a part of a list.
blanks := `[\x{09}-\x{0D}\x{1C}-\x{20}\x{85}\x{A0}\x{1680}\x{2000}-\x{200A}\x{2028}-\x{2029}\x{202F}\x{205F}\x{3000}]`

# What claims to be the name of a connection, well-formed or not.
claimed_connection := `[^\x{09}-\x{0D}\x{1C}-\x{20}\x{23}\x{2F}\x{3A}\x{85}\x{A0}\x{1680}\x{2000}-\x{200A}\x{2028}-\x{2029}\x{202F}\x{205F}\x{3000}]*`

# No path has one of these, not even as an escape.
forbidden_in_path := `[\x{00}-\x{1F}\x{25}\x{3F}\x{5C}\x{7F}-\x{A0}\x{AD}\x{BC}-\x{BE}\x{34F}\x{37E}\x{600}-\x{605}\x{61C}\x{66A}\x{6DD}\x{70F}\x{890}-\x{891}\x{8E2}\x{115F}-\x{1160}\x{1680}\x{17B4}-\x{17B5}\x{180B}-\x{180F}\x{2000}-\x{200F}\x{2024}-\x{2026}\x{2028}-\x{202F}\x{2044}\x{2047}-\x{2049}\x{205F}-\x{2064}\x{2066}-\x{206F}\x{2100}-\x{2101}\x{2105}-\x{2106}\x{2150}-\x{215F}\x{2189}\x{2215}-\x{2216}\x{2223}\x{2488}-\x{249B}\x{2571}-\x{2572}\x{2758}\x{27CB}\x{27CD}\x{2800}\x{29F5}\x{29F8}-\x{29F9}\x{3000}\x{3002}\x{3164}\x{33A7}-\x{33A8}\x{33AE}-\x{33AF}\x{33C2}\x{33C6}-\x{33C7}\x{33D8}\x{33DE}-\x{33DF}\x{E000}-\x{F8FF}\x{FE00}-\x{FE0F}\x{FE12}\x{FE14}\x{FE16}\x{FE19}\x{FE30}\x{FE52}\x{FE54}\x{FE56}\x{FE5F}\x{FE68}\x{FE6A}\x{FEFF}\x{FF03}\x{FF05}\x{FF0E}-\x{FF0F}\x{FF1B}\x{FF1F}\x{FF3C}\x{FF5C}\x{FF61}\x{FFA0}\x{FFF9}-\x{FFFB}\x{110BD}\x{110CD}\x{13430}-\x{13438}\x{1BCA0}-\x{1BCA3}\x{1D173}-\x{1D17A}\x{1F100}\x{E0001}\x{E0020}-\x{E007F}\x{E0100}-\x{E01EF}\x{F0000}-\x{FFFFD}\x{100000}-\x{10FFFD}]`

# No field has one of these, not even as an escape.
forbidden_in_field := `[\x{00}-\x{1F}\x{7F}-\x{9F}\x{2028}-\x{2029}]`

# A field has these as escapes only.
escaped_in_field := `[\x{80}-\x{A0}\x{AD}\x{34F}\x{600}-\x{605}\x{61C}\x{66A}\x{6DD}\x{70F}\x{890}-\x{891}\x{8E2}\x{115F}-\x{1160}\x{1680}\x{17B4}-\x{17B5}\x{180B}-\x{180F}\x{2000}-\x{200F}\x{2028}-\x{202F}\x{205F}-\x{2064}\x{2066}-\x{206F}\x{2223}\x{2758}\x{2800}\x{3000}\x{3164}\x{FE00}-\x{FE0F}\x{FE5F}\x{FE6A}\x{FEFF}\x{FF03}\x{FF05}\x{FF5C}\x{FFA0}\x{FFF9}-\x{FFFB}\x{110BD}\x{110CD}\x{13430}-\x{13438}\x{1BCA0}-\x{1BCA3}\x{1D173}-\x{1D17A}\x{E0001}\x{E0020}-\x{E007F}\x{E0100}-\x{E01EF}]`

# An argument has these as escapes only.
escaped_in_argument := `[\x{00}-\x{1F}\x{7F}-\x{9F}\x{2028}-\x{2029}]`

# At the edge of an argument these are escapes.
escaped_at_edge := `[\x{00}-\x{1F}\x{7F}-\x{A0}\x{AD}\x{34F}\x{600}-\x{605}\x{61C}\x{6DD}\x{70F}\x{890}-\x{891}\x{8E2}\x{115F}-\x{1160}\x{1680}\x{17B4}-\x{17B5}\x{180B}-\x{180F}\x{2000}-\x{200F}\x{2028}-\x{202F}\x{205F}-\x{2064}\x{2066}-\x{206F}\x{2800}\x{3000}\x{3164}\x{FE00}-\x{FE0F}\x{FEFF}\x{FFA0}\x{FFF9}-\x{FFFB}\x{110BD}\x{110CD}\x{13430}-\x{13438}\x{1BCA0}-\x{1BCA3}\x{1D173}-\x{1D17A}\x{E0001}\x{E0020}-\x{E007F}\x{E0100}-\x{E01EF}]`

# The canonical text has these as escapes.
escaped_by_format := `[\x{00}-\x{1F}\x{24}-\x{25}\x{28}-\x{29}\x{7B}-\x{7D}\x{7F}-\x{A0}\x{AD}\x{34F}\x{600}-\x{605}\x{61C}\x{66A}\x{6DD}\x{70F}\x{890}-\x{891}\x{8E2}\x{115F}-\x{1160}\x{1680}\x{17B4}-\x{17B5}\x{180B}-\x{180F}\x{2000}-\x{200F}\x{2028}-\x{202F}\x{205F}-\x{2064}\x{2066}-\x{206F}\x{2223}\x{2758}\x{2800}\x{3000}\x{3164}\x{FE00}-\x{FE0F}\x{FE5F}\x{FE6A}\x{FEFF}\x{FF03}\x{FF05}\x{FF5C}\x{FFA0}\x{FFF9}-\x{FFFB}\x{110BD}\x{110CD}\x{13430}-\x{13438}\x{1BCA0}-\x{1BCA3}\x{1D173}-\x{1D17A}\x{E0001}\x{E0020}-\x{E007F}\x{E0100}-\x{E01EF}]`

# Mounts of Vault's own, in whatever letters.
own_mount := `^(?:(?:[\x{41}\x{61}\x{AA}\x{1D2C}\x{1D43}\x{2090}\x{24B6}\x{24D0}\x{FF21}\x{FF41}\x{1D400}\x{1D41A}\x{1D434}\x{1D44E}\x{1D468}\x{1D482}\x{1D49C}\x{1D4B6}\x{1D4D0}\x{1D4EA}\x{1D504}\x{1D51E}\x{1D538}\x{1D552}\x{1D56C}\x{1D586}\x{1D5A0}\x{1D5BA}\x{1D5D4}\x{1D5EE}\x{1D608}\x{1D622}\x{1D63C}\x{1D656}\x{1D670}\x{1D68A}\x{1F130}][\x{55}\x{75}\x{1D41}\x{1D58}\x{1D64}\x{24CA}\x{24E4}\x{FF35}\x{FF55}\x{1D414}\x{1D42E}\x{1D448}\x{1D462}\x{1D47C}\x{1D496}\x{1D4B0}\x{1D4CA}\x{1D4E4}\x{1D4FE}\x{1D518}\x{1D532}\x{1D54C}\x{1D566}\x{1D580}\x{1D59A}\x{1D5B4}\x{1D5CE}\x{1D5E8}\x{1D602}\x{1D61C}\x{1D636}\x{1D650}\x{1D66A}\x{1D684}\x{1D69E}\x{1F144}][\x{54}\x{74}\x{1D40}\x{1D57}\x{209C}\x{24C9}\x{24E3}\x{FF34}\x{FF54}\x{1D413}\x{1D42D}\x{1D447}\x{1D461}\x{1D47B}\x{1D495}\x{1D4AF}\x{1D4C9}\x{1D4E3}\x{1D4FD}\x{1D517}\x{1D531}\x{1D54B}\x{1D565}\x{1D57F}\x{1D599}\x{1D5B3}\x{1D5CD}\x{1D5E7}\x{1D601}\x{1D61B}\x{1D635}\x{1D64F}\x{1D669}\x{1D683}\x{1D69D}\x{1F143}][\x{48}\x{68}\x{2B0}\x{1D34}\x{2095}\x{210B}-\x{210E}\x{24BD}\x{24D7}\x{FF28}\x{FF48}\x{1D407}\x{1D421}\x{1D43B}\x{1D46F}\x{1D489}\x{1D4BD}\x{1D4D7}\x{1D4F1}\x{1D525}\x{1D559}\x{1D573}\x{1D58D}\x{1D5A7}\x{1D5C1}\x{1D5DB}\x{1D5F5}\x{1D60F}\x{1D629}\x{1D643}\x{1D65D}\x{1D677}\x{1D691}\x{1F137}]|[\x{3373}][\x{54}\x{74}\x{1D40}\x{1D57}\x{209C}\x{24C9}\x{24E3}\x{FF34}\x{FF54}\x{1D413}\x{1D42D}\x{1D447}\x{1D461}\x{1D47B}\x{1D495}\x{1D4AF}\x{1D4C9}\x{1D4E3}\x{1D4FD}\x{1D517}\x{1D531}\x{1D54B}\x{1D565}\x{1D57F}\x{1D599}\x{1D5B3}\x{1D5CD}\x{1D5E7}\x{1D601}\x{1D61B}\x{1D635}\x{1D64F}\x{1D669}\x{1D683}\x{1D69D}\x{1F143}][\x{48}\x{68}\x{2B0}\x{1D34}\x{2095}\x{210B}-\x{210E}\x{24BD}\x{24D7}\x{FF28}\x{FF48}\x{1D407}\x{1D421}\x{1D43B}\x{1D46F}\x{1D489}\x{1D4BD}\x{1D4D7}\x{1D4F1}\x{1D525}\x{1D559}\x{1D573}\x{1D58D}\x{1D5A7}\x{1D5C1}\x{1D5DB}\x{1D5F5}\x{1D60F}\x{1D629}\x{1D643}\x{1D65D}\x{1D677}\x{1D691}\x{1F137}])|[\x{53}\x{73}\x{17F}\x{2E2}\x{209B}\x{24C8}\x{24E2}\x{FF33}\x{FF53}\x{1D412}\x{1D42C}\x{1D446}\x{1D460}\x{1D47A}\x{1D494}\x{1D4AE}\x{1D4C8}\x{1D4E2}\x{1D4FC}\x{1D516}\x{1D530}\x{1D54A}\x{1D564}\x{1D57E}\x{1D598}\x{1D5B2}\x{1D5CC}\x{1D5E6}\x{1D600}\x{1D61A}\x{1D634}\x{1D64E}\x{1D668}\x{1D682}\x{1D69C}\x{1F142}][\x{59}\x{79}\x{2B8}\x{24CE}\x{24E8}\x{FF39}\x{FF59}\x{1D418}\x{1D432}\x{1D44C}\x{1D466}\x{1D480}\x{1D49A}\x{1D4B4}\x{1D4CE}\x{1D4E8}\x{1D502}\x{1D51C}\x{1D536}\x{1D550}\x{1D56A}\x{1D584}\x{1D59E}\x{1D5B8}\x{1D5D2}\x{1D5EC}\x{1D606}\x{1D620}\x{1D63A}\x{1D654}\x{1D66E}\x{1D688}\x{1D6A2}\x{1F148}][\x{53}\x{73}\x{17F}\x{2E2}\x{209B}\x{24C8}\x{24E2}\x{FF33}\x{FF53}\x{1D412}\x{1D42C}\x{1D446}\x{1D460}\x{1D47A}\x{1D494}\x{1D4AE}\x{1D4C8}\x{1D4E2}\x{1D4FC}\x{1D516}\x{1D530}\x{1D54A}\x{1D564}\x{1D57E}\x{1D598}\x{1D5B2}\x{1D5CC}\x{1D5E6}\x{1D600}\x{1D61A}\x{1D634}\x{1D64E}\x{1D668}\x{1D682}\x{1D69C}\x{1F142}]|[\x{49}\x{69}\x{1D35}\x{1D62}\x{2071}\x{2110}-\x{2111}\x{2139}\x{2148}\x{2160}\x{2170}\x{24BE}\x{24D8}\x{FF29}\x{FF49}\x{1D408}\x{1D422}\x{1D43C}\x{1D456}\x{1D470}\x{1D48A}\x{1D4BE}\x{1D4D8}\x{1D4F2}\x{1D526}\x{1D540}\x{1D55A}\x{1D574}\x{1D58E}\x{1D5A8}\x{1D5C2}\x{1D5DC}\x{1D5F6}\x{1D610}\x{1D62A}\x{1D644}\x{1D65E}\x{1D678}\x{1D692}\x{1F138}][\x{44}\x{64}\x{1D30}\x{1D48}\x{2145}-\x{2146}\x{216E}\x{217E}\x{24B9}\x{24D3}\x{FF24}\x{FF44}\x{1D403}\x{1D41D}\x{1D437}\x{1D451}\x{1D46B}\x{1D485}\x{1D49F}\x{1D4B9}\x{1D4D3}\x{1D4ED}\x{1D507}\x{1D521}\x{1D53B}\x{1D555}\x{1D56F}\x{1D589}\x{1D5A3}\x{1D5BD}\x{1D5D7}\x{1D5F1}\x{1D60B}\x{1D625}\x{1D63F}\x{1D659}\x{1D673}\x{1D68D}\x{1F133}][\x{45}\x{65}\x{1D31}\x{1D49}\x{2091}\x{212F}-\x{2130}\x{2147}\x{24BA}\x{24D4}\x{FF25}\x{FF45}\x{1D404}\x{1D41E}\x{1D438}\x{1D452}\x{1D46C}\x{1D486}\x{1D4D4}\x{1D4EE}\x{1D508}\x{1D522}\x{1D53C}\x{1D556}\x{1D570}\x{1D58A}\x{1D5A4}\x{1D5BE}\x{1D5D8}\x{1D5F2}\x{1D60C}\x{1D626}\x{1D640}\x{1D65A}\x{1D674}\x{1D68E}\x{1F134}][\x{4E}\x{6E}\x{1D3A}\x{207F}\x{2099}\x{2115}\x{24C3}\x{24DD}\x{FF2E}\x{FF4E}\x{1D40D}\x{1D427}\x{1D441}\x{1D45B}\x{1D475}\x{1D48F}\x{1D4A9}\x{1D4C3}\x{1D4DD}\x{1D4F7}\x{1D511}\x{1D52B}\x{1D55F}\x{1D579}\x{1D593}\x{1D5AD}\x{1D5C7}\x{1D5E1}\x{1D5FB}\x{1D615}\x{1D62F}\x{1D649}\x{1D663}\x{1D67D}\x{1D697}\x{1F13D}][\x{54}\x{74}\x{1D40}\x{1D57}\x{209C}\x{24C9}\x{24E3}\x{FF34}\x{FF54}\x{1D413}\x{1D42D}\x{1D447}\x{1D461}\x{1D47B}\x{1D495}\x{1D4AF}\x{1D4C9}\x{1D4E3}\x{1D4FD}\x{1D517}\x{1D531}\x{1D54B}\x{1D565}\x{1D57F}\x{1D599}\x{1D5B3}\x{1D5CD}\x{1D5E7}\x{1D601}\x{1D61B}\x{1D635}\x{1D64F}\x{1D669}\x{1D683}\x{1D69D}\x{1F143}][\x{49}\x{69}\x{1D35}\x{1D62}\x{2071}\x{2110}-\x{2111}\x{2139}\x{2148}\x{2160}\x{2170}\x{24BE}\x{24D8}\x{FF29}\x{FF49}\x{1D408}\x{1D422}\x{1D43C}\x{1D456}\x{1D470}\x{1D48A}\x{1D4BE}\x{1D4D8}\x{1D4F2}\x{1D526}\x{1D540}\x{1D55A}\x{1D574}\x{1D58E}\x{1D5A8}\x{1D5C2}\x{1D5DC}\x{1D5F6}\x{1D610}\x{1D62A}\x{1D644}\x{1D65E}\x{1D678}\x{1D692}\x{1F138}][\x{54}\x{74}\x{1D40}\x{1D57}\x{209C}\x{24C9}\x{24E3}\x{FF34}\x{FF54}\x{1D413}\x{1D42D}\x{1D447}\x{1D461}\x{1D47B}\x{1D495}\x{1D4AF}\x{1D4C9}\x{1D4E3}\x{1D4FD}\x{1D517}\x{1D531}\x{1D54B}\x{1D565}\x{1D57F}\x{1D599}\x{1D5B3}\x{1D5CD}\x{1D5E7}\x{1D601}\x{1D61B}\x{1D635}\x{1D64F}\x{1D669}\x{1D683}\x{1D69D}\x{1F143}][\x{59}\x{79}\x{2B8}\x{24CE}\x{24E8}\x{FF39}\x{FF59}\x{1D418}\x{1D432}\x{1D44C}\x{1D466}\x{1D480}\x{1D49A}\x{1D4B4}\x{1D4CE}\x{1D4E8}\x{1D502}\x{1D51C}\x{1D536}\x{1D550}\x{1D56A}\x{1D584}\x{1D59E}\x{1D5B8}\x{1D5D2}\x{1D5EC}\x{1D606}\x{1D620}\x{1D63A}\x{1D654}\x{1D66E}\x{1D688}\x{1D6A2}\x{1F148}]|[\x{43}\x{63}\x{1D9C}\x{2102}\x{212D}\x{216D}\x{217D}\x{24B8}\x{24D2}\x{A7F2}\x{FF23}\x{FF43}\x{1D402}\x{1D41C}\x{1D436}\x{1D450}\x{1D46A}\x{1D484}\x{1D49E}\x{1D4B8}\x{1D4D2}\x{1D4EC}\x{1D520}\x{1D554}\x{1D56E}\x{1D588}\x{1D5A2}\x{1D5BC}\x{1D5D6}\x{1D5F0}\x{1D60A}\x{1D624}\x{1D63E}\x{1D658}\x{1D672}\x{1D68C}\x{1F12B}\x{1F132}][\x{55}\x{75}\x{1D41}\x{1D58}\x{1D64}\x{24CA}\x{24E4}\x{FF35}\x{FF55}\x{1D414}\x{1D42E}\x{1D448}\x{1D462}\x{1D47C}\x{1D496}\x{1D4B0}\x{1D4CA}\x{1D4E4}\x{1D4FE}\x{1D518}\x{1D532}\x{1D54C}\x{1D566}\x{1D580}\x{1D59A}\x{1D5B4}\x{1D5CE}\x{1D5E8}\x{1D602}\x{1D61C}\x{1D636}\x{1D650}\x{1D66A}\x{1D684}\x{1D69E}\x{1F144}][\x{42}\x{62}\x{1D2E}\x{1D47}\x{212C}\x{24B7}\x{24D1}\x{FF22}\x{FF42}\x{1D401}\x{1D41B}\x{1D435}\x{1D44F}\x{1D469}\x{1D483}\x{1D4B7}\x{1D4D1}\x{1D4EB}\x{1D505}\x{1D51F}\x{1D539}\x{1D553}\x{1D56D}\x{1D587}\x{1D5A1}\x{1D5BB}\x{1D5D5}\x{1D5EF}\x{1D609}\x{1D623}\x{1D63D}\x{1D657}\x{1D671}\x{1D68B}\x{1F131}][\x{42}\x{62}\x{1D2E}\x{1D47}\x{212C}\x{24B7}\x{24D1}\x{FF22}\x{FF42}\x{1D401}\x{1D41B}\x{1D435}\x{1D44F}\x{1D469}\x{1D483}\x{1D4B7}\x{1D4D1}\x{1D4EB}\x{1D505}\x{1D51F}\x{1D539}\x{1D553}\x{1D56D}\x{1D587}\x{1D5A1}\x{1D5BB}\x{1D5D5}\x{1D5EF}\x{1D609}\x{1D623}\x{1D63D}\x{1D657}\x{1D671}\x{1D68B}\x{1F131}][\x{59}\x{79}\x{2B8}\x{24CE}\x{24E8}\x{FF39}\x{FF59}\x{1D418}\x{1D432}\x{1D44C}\x{1D466}\x{1D480}\x{1D49A}\x{1D4B4}\x{1D4CE}\x{1D4E8}\x{1D502}\x{1D51C}\x{1D536}\x{1D550}\x{1D56A}\x{1D584}\x{1D59E}\x{1D5B8}\x{1D5D2}\x{1D5EC}\x{1D606}\x{1D620}\x{1D63A}\x{1D654}\x{1D66E}\x{1D688}\x{1D6A2}\x{1F148}][\x{48}\x{68}\x{2B0}\x{1D34}\x{2095}\x{210B}-\x{210E}\x{24BD}\x{24D7}\x{FF28}\x{FF48}\x{1D407}\x{1D421}\x{1D43B}\x{1D46F}\x{1D489}\x{1D4BD}\x{1D4D7}\x{1D4F1}\x{1D525}\x{1D559}\x{1D573}\x{1D58D}\x{1D5A7}\x{1D5C1}\x{1D5DB}\x{1D5F5}\x{1D60F}\x{1D629}\x{1D643}\x{1D65D}\x{1D677}\x{1D691}\x{1F137}][\x{4F}\x{6F}\x{BA}\x{1D3C}\x{1D52}\x{2092}\x{2134}\x{24C4}\x{24DE}\x{FF2F}\x{FF4F}\x{1D40E}\x{1D428}\x{1D442}\x{1D45C}\x{1D476}\x{1D490}\x{1D4AA}\x{1D4DE}\x{1D4F8}\x{1D512}\x{1D52C}\x{1D546}\x{1D560}\x{1D57A}\x{1D594}\x{1D5AE}\x{1D5C8}\x{1D5E2}\x{1D5FC}\x{1D616}\x{1D630}\x{1D64A}\x{1D664}\x{1D67E}\x{1D698}\x{1F13E}][\x{4C}\x{6C}\x{2E1}\x{1D38}\x{2097}\x{2112}-\x{2113}\x{216C}\x{217C}\x{24C1}\x{24DB}\x{FF2C}\x{FF4C}\x{1D40B}\x{1D425}\x{1D43F}\x{1D459}\x{1D473}\x{1D48D}\x{1D4C1}\x{1D4DB}\x{1D4F5}\x{1D50F}\x{1D529}\x{1D543}\x{1D55D}\x{1D577}\x{1D591}\x{1D5AB}\x{1D5C5}\x{1D5DF}\x{1D5F9}\x{1D613}\x{1D62D}\x{1D647}\x{1D661}\x{1D67B}\x{1D695}\x{1F13B}][\x{45}\x{65}\x{1D31}\x{1D49}\x{2091}\x{212F}-\x{2130}\x{2147}\x{24BA}\x{24D4}\x{FF25}\x{FF45}\x{1D404}\x{1D41E}\x{1D438}\x{1D452}\x{1D46C}\x{1D486}\x{1D4D4}\x{1D4EE}\x{1D508}\x{1D522}\x{1D53C}\x{1D556}\x{1D570}\x{1D58A}\x{1D5A4}\x{1D5BE}\x{1D5D8}\x{1D5F2}\x{1D60C}\x{1D626}\x{1D640}\x{1D65A}\x{1D674}\x{1D68E}\x{1F134}])$`

# What each function takes for its argument; null is none.
functions := {"base64": null, "base64decode": null, "bool": null, "default": `^(?:[\x00-\x{10FFFF}]*)$`, "indent": `^(?:0|1|2|3|4|5|6|7|8|9|10|11|12|13|14|15|16|17|18|19|20|21|22|23|24|25|26|27|28|29|30|31|32|33|34|35|36|37|38|39|40|41|42|43|44|45|46|47|48|49|50|51|52|53|54|55|56|57|58|59|60|61|62|63|64)$`, "int": null, "json": `^(?:(?:/(?:[^~/]|~[01])*)+)$`, "lines": null, "sha256": null, "trim": null, "urlencode": null}

# As the cluster and Vault see it.
most_reference_bytes := 2048

# In one reference.
most_functions := 8

# In one text.
most_references := 1000

# In one annotation `keyhole.dev/from`.
most_paths := 20

# Of a whole secret's path, in canonical form.
most_path_bytes := 1794

# What a reference without a connection asks.
default_connection := "default"

# How an annotation names another key that it renders.
file_prefix := "key:"

# Keys whose JSON has references within.
docker_configurations := {".dockercfg", ".dockerconfigjson", "config.json"}

# Types of Secrets that Kubernetes and Helm know.
exempt_types := ["kubernetes.io/service-account-token", "kubernetes.io/dockercfg", "kubernetes.io/dockerconfigjson", "kubernetes.io/basic-auth", "kubernetes.io/ssh-auth", "kubernetes.io/tls", "bootstrap.kubernetes.io/token", "helm.sh/release.v1"]

# The annotations that a manifest may have.
annotations := {"data": "data.keyhole.dev/", "env": "keyhole.dev/env", "env_domain": "env.keyhole.dev/", "env_from": "keyhole.dev/env-from", "fields": "keyhole.dev/fields", "from": "keyhole.dev/from", "ignore": "keyhole.dev/ignore", "record": "keyhole.dev/record"}
