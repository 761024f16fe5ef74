from explorer import frame, question_page

frame.begin("batch_norm")

question_page.introduction("batch_norm")
rows = question_page.published_numbers("batch_norm")
question_page.planned("batch_norm")
question_page.known_and_open("batch_norm")
question_page.foot("batch_norm", rows)
